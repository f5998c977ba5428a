"""Ranges of activations over a calibration set, three ways, by ONNX Runtime's calibrators."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import onnx

from calib.collect.view_check import View
from export.onnx.precision.integer import CHAIN_OPS
from export.onnx.precision.layers import LAYER_OPS

if TYPE_CHECKING:
    from onnxruntime.quantization.calibrate import TensorsData

METHODS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "min-max": ("MinMax", {}),
    "entropy": ("Entropy", {"num_bins": 128, "num_quantized_bins": 128}),
    "percentile": ("Percentile", {"num_bins": 2048, "percentile": 99.999}),
}
"""Name -> ONNX Runtime's calibrator and its options. Percentile: one value in 100,000 is cut off."""
AT_ONCE: Final = 4
"""Views whose activations are held at a time: all of a set's would be tens of gigabytes."""


def calibrate(model: onnx.ModelProto, views: Sequence[View], method: str, symmetric: bool = False) -> TensorsData:
    """Range of every tensor that an integer layer may read or write.

    Args:
        model: a prepared stage. views: hold at least its inputs. method: a key of ``METHODS``.
        symmetric: around zero, as the S8S8 form needs it where histograms are cut.
    """
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    kind, options = METHODS[method]
    names = [value.name for value in model.graph.input]
    with tempfile.TemporaryDirectory(prefix="latx-calibrate-") as work:
        path = Path(work) / "stage.onnx"
        onnx.save(model, path)
        calibrator = create_calibrator(
            path, [*LAYER_OPS, *CHAIN_OPS], augmented_model_path=str(Path(work) / "augmented.onnx"),
            calibrate_method=CalibrationMethod[kind], extra_options={**options, "symmetric": symmetric},
        )
        for start in range(0, len(views), AT_ONCE):
            calibrator.collect_data(_Reader([{n: v[n] for n in names} for v in views[start : start + AT_ONCE]]))
        return calibrator.compute_data()


class _Reader:
    """Views as ONNX Runtime's calibrators ask for them."""

    def __init__(self, feeds: list[View]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> View | None:
        return next(self._feeds, None)
