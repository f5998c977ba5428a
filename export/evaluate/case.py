"""One subject put through the device's whole path: replay, gates, model, fusion; and what its skin line says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.camera import open_camera
from edge.cli.truth import true_angles
from edge.errors import RefusedError, UsageError
from edge.pipeline import Measurements, Pipeline
from edge.runtime.bundle import Bundle
from edge.scan import scan
from edge.view.back_view import BackView
from export.evaluate.skin_line import surface_angles


@dataclass(frozen=True)
class Case:
    """What is true of one subject and what was made of it, degrees, by angle name.

    interval_deg: the device's 90 % interval. surface_deg: kyphosis and lordosis of the skin line, median over the
    accepted frames. refusal: why there is no result ("" where there is one; then the predictions are empty).
    """

    name: str
    true_deg: Mapping[str, float]
    predicted_deg: Mapping[str, float]
    interval_deg: Mapping[str, tuple[float, float]]
    surface_deg: tuple[float, float]
    accepted_frames: int
    rejected_frames: int
    refusal: str


class _SurfaceReader(Pipeline):
    """The device's pipeline, which also notes the skin line of every back view that it measures."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.surfaces: list[tuple[float, float]] = []

    def measure(self, view: BackView) -> Measurements:
        self.surfaces.append(surface_angles(view))
        return super().measure(view)


def evaluate_recording(name: str, recording: Path, bundle: Bundle, frames: int) -> Case:
    """Scan ``recording`` as the device would and put ``truth.json`` beside it.

    Raises:
        RecordingError: the recording or its truth cannot be read.
        UsageError: there is no truth beside the recording.
    """
    uri = f"file:{recording}"
    truth = true_angles(uri)
    if not truth:
        raise UsageError("no truth beside the recording", where=str(recording), expected="truth.json", found="none")
    pipeline = _SurfaceReader(bundle)
    with open_camera(uri) as camera:
        try:
            result = scan(camera, pipeline, frames).result
        except RefusedError as refusal:
            nothing = (float("nan"), float("nan"))
            return Case(name, truth, {}, {}, nothing, 0, 0, refusal.line())
    angles = dict(result.angles) | {"cobb_major": result.cobb}
    kyphosis, lordosis = np.nanmedian(np.array(pipeline.surfaces), axis=0)
    return Case(
        name=name,
        true_deg=truth,
        predicted_deg={key: angle.value_deg for key, angle in angles.items()},
        interval_deg={key: (angle.interval.low_deg, angle.interval.high_deg) for key, angle in angles.items()},
        surface_deg=(float(kyphosis), float(lordosis)),
        accepted_frames=result.accepted_frames,
        rejected_frames=result.rejected_frames,
        refusal="",
    )


def case_json(case: Case) -> dict[str, Any]:
    """The case for a JSON file; a subject without a result has no ``surface_deg``."""
    return asdict(case) | {"surface_deg": None if case.refusal else list(case.surface_deg)}
