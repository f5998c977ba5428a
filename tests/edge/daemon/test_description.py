"""What a device tells of itself: which model, in which precision, on which engines, and in which versions it speaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge.daemon.description import SCHEMAS, description
from edge.result.json_schema import SCHEMA_FILE
from edge.runtime.bundle import load_bundle
from edge.runtime.engine_manifest import EngineManifest, Environment, SelfTest, engine_path, sidecar_path
from edge.runtime.manifest import FileEntry
from edge.runtime.stages import STAGES


class Joined:
    """Stages that run as one, which is how engines do."""

    def run(self, tensors: object) -> object:
        return tensors

    def close(self) -> None: ...


def write_engine(folder: Path, stage: str, digest: str) -> None:
    entry = FileEntry(file=f"{stage}.engine", sha256=digest, bytes=7)
    manifest = EngineManifest(
        stage=stage, engine=entry, source=entry.model_copy(update={"file": f"{stage}.onnx"}), precision="fp16",
        precision_reason="", environment=Environment(tensorrt="10.3.0", cuda="12.6", gpu="Orin",
                                                     compute_capability="8.7", multiprocessors=8, driver="540.4.0"),
        plugin=None, inputs=(), outputs=(), builder={}, created_at="2026-01-01T00:00:00Z",
        self_test=SelfTest(views=8, source="demo", mean_deg={}, worst_deg={}, radiograph_of_range=0.0),
    )  # fmt: skip
    sidecar_path(engine_path(folder, stage)).write_text(manifest.model_dump_json())


def test_it_names_the_model_and_the_versions_of_what_it_says(tiny_bundle: Path) -> None:
    with load_bundle(tiny_bundle, threads=1) as bundle:
        told = description(bundle, ["camera.serial"])

    assert told["model"]["sha256"] == bundle.sha256
    assert told["engines"] == {}
    assert told["restart_required"] == ["camera.serial"]
    assert SCHEMA_FILE.name == f"result-{SCHEMAS['result']}.schema.json"


def test_it_names_engines_and_the_precision_that_runs_rather_than_the_manifests(tiny_bundle: Path) -> None:
    digests = {stage: str(number) * 64 for number, stage in enumerate(STAGES)}
    for stage, digest in digests.items():
        write_engine(tiny_bundle, stage, digest)
    with load_bundle(tiny_bundle, threads=1) as bundle:
        told = description(replace(bundle, joined=Joined(), precision="fp16"), [])

    assert told["engines"] == digests
    assert told["model"]["precision"] == "fp16"
    assert bundle.manifest.precision != "fp16"
