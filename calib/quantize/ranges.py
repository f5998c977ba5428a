"""Ranges of activations over a calibration set, three ways, by ONNX Runtime's calibrators."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import onnx

from calib.collect.view_check import View
from export.onnx.precision.integer import CHAIN_OPS, chain_between
from export.onnx.precision.layers import LAYER_OPS

if TYPE_CHECKING:
    from onnxruntime.quantization.calibrate import TensorsData

METHODS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "min-max": ("MinMaxCalibrater", {}),
    "entropy": ("EntropyCalibrater", {"num_bins": 128, "num_quantized_bins": 128}),
    "percentile": ("PercentileCalibrater", {"num_bins": 2048, "percentile": 99.999}),
}
"""Name -> ONNX Runtime's calibrator and its options. Percentile: one value in 100,000 is cut off."""
AT_ONCE: Final = 4
"""Views whose activations are held at a time: all of a set's would be tens of gigabytes."""


def calibrate(model: onnx.ModelProto, views: Sequence[View], method: str, nodes: Iterable[str],
              symmetric: bool = False) -> TensorsData:
    """Range of every tensor that the integer layers ``nodes`` (names) read or write.

    Args:
        model: a prepared stage. views: hold at least its inputs. method: a key of ``METHODS``.
        symmetric: around zero, as the S8S8 form needs it.
    """
    from onnxruntime.quantization import calibrate as calibrators

    kind, options = METHODS[method]
    inputs = [value.name for value in model.graph.input]
    inside = set(nodes)
    inside |= chain_between(model, inside)
    wanted = {t for node in model.graph.node if node.name in inside for t in (*node.input, *node.output)}

    class Calibrator(getattr(calibrators, kind)):  # type: ignore[misc]
        def select_tensors_to_calibrate(self, graph: onnx.ModelProto) -> Any:
            found, infos = super().select_tensors_to_calibrate(graph)
            return found & wanted, infos

    with tempfile.TemporaryDirectory(prefix="latx-calibrate-") as work, redirect_stdout(StringIO()):
        path, augmented = Path(work) / "stage.onnx", Path(work) / "augmented.onnx"
        onnx.save(model, path)
        calibrator = Calibrator(path, [*LAYER_OPS, *CHAIN_OPS], str(augmented), symmetric=symmetric, **options)
        calibrator.augment_graph()
        calibrator.create_inference_session()
        for start in range(0, len(views), AT_ONCE):
            calibrator.collect_data(_Reader([{n: v[n] for n in inputs} for v in views[start : start + AT_ONCE]]))
        return calibrator.compute_data()


class _Reader:
    """Views as ONNX Runtime's calibrators ask for them."""

    def __init__(self, feeds: list[View]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> View | None:
        return next(self._feeds, None)
