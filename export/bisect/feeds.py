"""Inputs for one stage on its own: views for stage 1, and for stage 2 what a stage 1 makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.runtime.bundle import DEFAULT_BUNDLE, load_bundle
from edge.runtime.manifest import MANIFEST
from edge.runtime.stages import STAGES
from export.bisect.executors import Arrays
from export.engine.views import read_views


def stage_feeds(stage: str, sources: Sequence[str], count: int, bundle: Path | None, beside: Path) -> list[Arrays]:
    """Up to ``count`` feeds of a stage.

    Args:
        bundle: whose stage 1 feeds stage 2; None takes the one in the folder ``beside``, else the shipped one.

    Raises:
        RecordingError: see ``read_views``. BundleError: see ``load_bundle``.
    """
    views = read_views(sources, count)
    if stage == "structure":
        return [dict(view) for view in views]
    folder = bundle or (beside if (beside / MANIFEST).is_file() else DEFAULT_BUNDLE)
    names = [tensor.name for tensor in STAGES[stage].inputs]
    feeds: list[Arrays] = []
    with load_bundle(folder, runtime="onnxruntime") as loaded:
        for view in views:
            known = view | loaded.structure.run(view)
            feeds.append({name: known[name] for name in names})
    return feeds
