"""What the device is, for whoever has many of them: model, engines, versions of its messages, what awaits a restart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from edge.result.models import SCHEMA_VERSION as RESULT_VERSION
from edge.runtime.bundle import Bundle
from edge.runtime.engine_manifest import EngineManifest, engine_path, sidecar_path
from edge.runtime.stages import STAGES
from edge.sinks.mqtt.commands import SCHEMA_VERSION as MESSAGE_VERSION

SCHEMAS: Final = {"result": RESULT_VERSION, "message": MESSAGE_VERSION}
"""Versions of ``result.json`` and of every other JSON payload. A new minor version only adds."""
NOTICE: Final = "Synthetic output of a depth view; not for diagnostic use."


def description(bundle: Bundle, restart_required: Sequence[str]) -> dict[str, Any]:
    """Payload of the topic ``info``, beside what the link itself knows.

    Args:
        restart_required: keys of the configuration whose new values wait for a restart.
    """
    manifest = bundle.manifest
    return {
        "model": {"name": manifest.name, "version": manifest.version, "sha256": bundle.sha256,
                  "precision": bundle.precision or manifest.precision, "runtime": bundle.structure.runtime,
                  "trained_on": manifest.trained_on},
        "engines": _engines(bundle),
        "schemas": SCHEMAS,
        "restart_required": list(restart_required),
        "notice": NOTICE,
    }  # fmt: skip


def _engines(bundle: Bundle) -> dict[str, str]:
    """SHA-256 of each stage's TensorRT engine, by its sidecar, which was held against its bytes; none elsewhere."""
    if bundle.joined is None or bundle.directory is None:
        return {}
    sidecars = {stage: sidecar_path(engine_path(bundle.directory, stage)) for stage in STAGES}
    return {stage: EngineManifest.model_validate_json(path.read_bytes()).engine.sha256
            for stage, path in sidecars.items()}
