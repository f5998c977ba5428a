"""How far a narrower stage departs from the FP32 one on the same views: angles in degrees, picture by its range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from calib.collect.view_check import View
from edge.measure.angles import sagittal_angles
from edge.measure.coronal import cobb_major
from edge.runtime.manifest import INTERVAL_NAMES

STAGE_OUTPUT = {"structure": "endplates_mm", "radiograph": "log_attenuation"}
"""What each stage is judged by: the angles come from stage 1 alone, the picture from stage 2."""


@dataclass(frozen=True)
class Drift:
    """Departure from FP32. For stage 1 degrees over all angles and views, for stage 2 shares of the picture's range.

    mean, worst: mean and largest absolute difference (stage 2: root mean square, and largest). by_angle: mean and worst
    per angle, stage 1 only.
    """

    mean: float
    worst: float
    by_angle: dict[str, tuple[float, float]]


def angles_deg(endplates_mm: NDArray[np.float32]) -> NDArray[np.float64]:
    """(37, 4, 3) -> the angles of ``INTERVAL_NAMES``, degrees, by the device's own measuring."""
    endplates = endplates_mm.astype(np.float64)
    angles = sagittal_angles(endplates) | {"cobb_major": cobb_major(endplates).value_deg}
    return np.array([angles[name] for name in INTERVAL_NAMES])


class DriftMeter:
    """Measures one stage against its FP32 form, whose answers on the views are computed once."""

    def __init__(self, stage: str, reference: onnx.ModelProto, views: Sequence[View], threads: int = 1) -> None:
        self.stage, self._threads = stage, threads
        self._names = [value.name for value in reference.graph.input]
        self._views = [{name: view[name] for name in self._names} for view in views]
        self._reference = self._answers(reference, len(self._views))

    def measure(self, model: onnx.ModelProto, views: int | None = None) -> Drift:
        """Drift of ``model`` over the first ``views`` views (None: all)."""
        count = min(views or len(self._views), len(self._views))
        got, want = self._answers(model, count), self._reference[:count]
        if self.stage == "structure":
            off = np.abs(got - want)
            by_angle = {n: (float(off[:, i].mean()), float(off[:, i].max())) for i, n in enumerate(INTERVAL_NAMES)}
            return Drift(float(off.mean()), float(off.max()), by_angle)
        spread = np.ptp(want.reshape(count, -1), axis=1)
        off = (got - want).reshape(count, -1) / spread[:, None]
        return Drift(float(np.sqrt((off**2).mean())), float(np.abs(off).max()), {})

    def _answers(self, model: onnx.ModelProto, count: int) -> NDArray[np.float64]:
        session = session_of(model, self._threads)
        output = STAGE_OUTPUT[self.stage]
        values = [session.run([output], view)[0][0] for view in self._views[:count]]
        if self.stage == "structure":
            return np.stack([angles_deg(value) for value in values])
        return np.stack(values).astype(np.float32)


def session_of(model: onnx.ModelProto, threads: int = 1):  # type: ignore[no-untyped-def]
    """An ONNX Runtime session of a model in memory."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
