"""Puts one trial through the device's whole path (gates, ONNX Runtime, fusion) and writes down what came out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.camera.depth_camera import DepthCamera
from edge.errors import RefusedError
from edge.fuse import ScanResult
from edge.pipeline import Measurements, Pipeline
from edge.runtime.bundle import Bundle
from edge.runtime.runner import StageRunner, Tensors
from edge.scan import scan
from edge.view.back_view import BackView
from export.evaluate.case import Case
from export.evaluate.skin_features import skin_features
from export.evaluate.skin_line import surface_angles
from export.evaluate.trial import Trial

_DIGITS = 3  # of millimetres and degrees


@dataclass(frozen=True)
class Seen:
    """What a scan left behind: its fused result, and the views that it was measured on."""

    result: ScanResult
    views: list[BackView]


def examine(trial: Trial, bundle: Bundle, frames: int, drawn: bool = False) -> tuple[Case, Seen | None]:
    """Scan once as the device would; the case, and what it rests on (None where the device refused).

    Args:
        frames: measured frames wanted. drawn: run stage 2 as well; without it the angles are the same and the
            result's radiograph is blank.

    Raises:
        RecordingError: the trial's recording cannot be read. BundleError: the model failed.
    """
    pipeline = _Witness(bundle if drawn else without_radiograph(bundle))
    with trial.open_camera() as camera:
        try:
            seen = _scanned(camera, pipeline, frames)
        except RefusedError as refusal:
            return Case(name=trial.name, true_deg=dict(trial.true_deg), about=dict(trial.about),
                        refusal=refusal.line()), None
    return _case(trial, seen), seen


def _scanned(camera: DepthCamera, pipeline: _Witness, frames: int) -> Seen:
    return Seen(scan(camera, pipeline, frames).result, pipeline.views)


def _case(trial: Trial, seen: Seen) -> Case:
    result = seen.result
    angles = dict(result.angles) | {"cobb_major": result.cobb}
    surfaces = np.array([surface_angles(view) for view in seen.views])
    known = surfaces[np.isfinite(surfaces).all(axis=1)]
    features = [f for view in seen.views if (f := skin_features(view)) is not None]
    return Case(
        name=trial.name,
        true_deg=dict(trial.true_deg),
        about=dict(trial.about) | {"repeat_asked": float(bool(result.repeat))},
        accepted_frames=result.accepted_frames,
        rejected_frames=result.rejected_frames,
        predicted_deg={key: angle.value_deg for key, angle in angles.items()},
        sd_deg={key: angle.sd_deg for key, angle in angles.items()},
        repeatability_deg={k: a.repeatability_deg for k, a in angles.items() if a.repeatability_deg is not None},
        interval_deg={key: (angle.interval.low_deg, angle.interval.high_deg) for key, angle in angles.items()},
        surface_deg=tuple(np.median(known, axis=0).tolist()) if len(known) else None,
        features=_rounded(np.mean(features, axis=0)) if features else None,
        quality={k: v for k, v in result.gates.items() if np.isfinite(v)},
        reread_deg=dict(result.reread_deg),
        endplates_mm=_rounded(result.endplates_mm),
        true_endplates_mm=_truth(trial.endplates_mm, seen.views),
        true_line_mm=_truth(trial.line_mm, seen.views),
    )


def _truth(of_view: Callable[[BackView], NDArray[np.float64]] | None, views: list[BackView]) -> Any:
    """Median over the views of where the truth lies in their body frames."""
    return None if of_view is None else _rounded(np.median([of_view(view) for view in views], axis=0))


def _rounded(array: NDArray[np.floating]) -> Any:
    return np.round(np.asarray(array, np.float64), _DIGITS).tolist()


class _Witness(Pipeline):
    """The device's pipeline, which also keeps the back views that it measures."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.views: list[BackView] = []

    def measure(self, view: BackView) -> Measurements:
        self.views.append(view)
        return super().measure(view)


class _Blank:
    """Stage 2 left out: its runner's contract with an empty picture. No angle depends on it."""

    def __init__(self, radiograph: StageRunner) -> None:
        self.stage, self.runtime = radiograph.stage, radiograph.runtime
        self.inputs, self.outputs = radiograph.inputs, radiograph.outputs
        self._answer = {spec.name: np.zeros(spec.shape, np.float32) for spec in self.outputs}

    def run(self, _tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
        return self._answer

    def close(self) -> None:
        """Holds nothing: the stage that it stands for is closed with its own bundle."""


def without_radiograph(bundle: Bundle) -> Bundle:
    """The same bundle with stage 2 left out."""
    return dataclasses.replace(bundle, radiograph=_Blank(bundle.radiograph), joined=None, reader=None)
