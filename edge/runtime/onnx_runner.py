"""A stage on ONNX Runtime's CPU provider."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.errors import BundleError, MissingDependencyError
from edge.runtime.runner import Tensors, TensorSpec, check_finite, check_tensors

if TYPE_CHECKING:
    import onnxruntime

_ELEMENT_TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64",
                  "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(uint8)": "uint8", "tensor(int8)": "int8"}


class OnnxRunner:
    """Runs one ONNX file. The file's inputs and outputs are read from the file itself.

    Args:
        stage: a key of ``edge.runtime.stages.STAGES``.
        threads: threads of one operator; None takes every core that this process may use.

    Raises:
        BundleError: the file is no ONNX model that this ONNX Runtime can load.
        MissingDependencyError: ONNX Runtime is not installed.
    """

    def __init__(self, stage: str, path: Path, threads: int | None = None) -> None:
        ort = _onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3  # errors only: what matters is raised
        # A moment's spinning between operators pays; a longer one takes the processor from whoever looks at the next
        # frame meanwhile, and between frames it would only heat a fanless kiosk.
        options.add_session_config_entry("session.intra_op.spin_duration_us", "20")
        options.add_session_config_entry("session.force_spinning_stop", "1")
        # Initialisers outside the arena: the copies that weight pre-packing makes useless are given back.
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        try:
            self._session: onnxruntime.InferenceSession | None = ort.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as failure:  # ONNX Runtime has no common base class for its load failures
            raise BundleError(f"ONNX Runtime cannot load stage {stage}", where=str(path),
                              expected=f"a model for ONNX Runtime {ort.__version__} or older",
                              found=_first_line(failure),
                              mend="export the bundle again or update onnxruntime") from None
        self.stage = stage
        self._path = path
        self.runtime = f"onnxruntime {ort.__version__} CPU"
        self.inputs = tuple(_spec(node) for node in self._session.get_inputs())
        self.outputs = tuple(_spec(node) for node in self._session.get_outputs())

    def run(self, tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Run the stage once; see ``StageRunner.run``."""
        if self._session is None:
            raise BundleError(f"stage {self.stage} was run after it was closed", expected="an open runner",
                              found="a closed one")
        check_tensors(self.stage, "input", self.inputs, tensors)
        try:
            values = self._session.run(None, dict(tensors))
        except Exception as failure:
            raise BundleError(f"stage {self.stage} failed while running", where=str(self._path), expected="outputs",
                              found=_first_line(failure),
                              mend=f"export the bundle again; {self.runtime} cannot run it") from None
        outputs: Tensors = {spec.name: np.asarray(v) for spec, v in zip(self.outputs, values, strict=True)}
        check_finite(self.stage, outputs, str(self._path))
        return outputs

    def close(self) -> None:
        """Drop the session and its memory."""
        self._session = None


def _onnxruntime():  # type: ignore[no-untyped-def]
    try:
        import onnxruntime
    except ImportError:
        raise MissingDependencyError("ONNX Runtime is not installed", expected="onnxruntime 1.18 or newer",
                                     mend="pip install onnxruntime") from None
    return onnxruntime


def _spec(node: onnxruntime.NodeArg) -> TensorSpec:
    # A symbolic dimension is reported as its name (or None): 0 marks it, and the bundle's check refuses it.
    shape = tuple(n if isinstance(n, int) else 0 for n in node.shape)
    return TensorSpec(node.name, shape, _ELEMENT_TYPES.get(node.type, node.type))


def _first_line(failure: Exception) -> str:
    return str(failure).strip().splitlines()[0][:200] if str(failure).strip() else type(failure).__name__
