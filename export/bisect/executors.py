"""What can run an ONNX file with exposed outputs: one function each, chosen by name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import BundleError, MissingDependencyError

Arrays = dict[str, NDArray[Any]]
Run = Callable[[Mapping[str, NDArray[Any]]], Arrays]
"""One inference: feeds by name to outputs by name."""


def on_onnxruntime(model: bytes, outputs: Sequence[str]) -> Run:
    """ONNX Runtime as it runs on a device, with its fusions."""
    return _onnxruntime(model, outputs, fused=True)


def on_plain_onnxruntime(model: bytes, outputs: Sequence[str]) -> Run:
    """ONNX Runtime node by node, without any fusion."""
    return _onnxruntime(model, outputs, fused=False)


def on_openvino(model: bytes, outputs: Sequence[str]) -> Run:
    """OpenVINO in FP32 on the CPU.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import openvino
    except ImportError:
        raise MissingDependencyError("OpenVINO is not installed", expected="openvino 2025.0 or newer",
                                     mend="pip install openvino") from None
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": len(os.sched_getaffinity(0))}
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", settings)

    taken = {name for port in compiled.inputs for name in port.names}  # what nothing reads is no input any more

    def run(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        results = compiled({name: value for name, value in feeds.items() if name in taken})
        return {name: np.array(results[compiled.output(name)]) for name in outputs}

    return run


def on_tensorrt(model: bytes, outputs: Sequence[str]) -> Run:
    """An engine built here and now at the lowest optimisation level, for a device with TensorRT.

    Raises:
        MissingDependencyError, ServiceError, BundleError: see ``edge.runtime.tensorrt_bundle``.
    """
    from edge.runtime.gpu import open_gpu
    from edge.runtime.tensorrt_bundle import import_tensorrt
    from edge.runtime.tensorrt_log import make_log
    from export.engine.build import BuildOptions, build_engine
    from export.engine.progress import Progress

    trt = import_tensorrt()
    with tempfile.TemporaryDirectory(prefix="latx-bisect-") as folder:
        source = Path(folder) / "exposed.onnx"
        source.write_bytes(model)
        plan, _ = build_engine(trt, source, BuildOptions(optimization_level=0), Progress("exposed"))
    log = make_log(trt)

    def run(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        gpu = open_gpu()
        try:
            answers: Arrays = {}

            def work() -> None:
                engine = trt.Runtime(log).deserialize_cuda_engine(plan)
                context = engine.create_execution_context()
                names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
                buffers = {}
                for name in names:
                    dtype = np.dtype(trt.nptype(engine.get_tensor_dtype(name))).name
                    buffers[name] = gpu.buffer(tuple(engine.get_tensor_shape(name)), dtype, True)
                    context.set_tensor_address(name, buffers[name].address)
                for name, value in feeds.items():
                    buffers[name].host[...] = value
                    gpu.upload(buffers[name])
                if not context.execute_async_v3(gpu.stream):
                    raise BundleError("TensorRT cannot run the exposed engine", found=log.reason())
                for name in outputs:
                    gpu.download(buffers[name])
                gpu.wait()
                answers.update({name: np.array(buffers[name].host) for name in outputs})

            gpu.enqueue(work)
            return answers
        finally:
            gpu.close()

    return run


EXECUTORS: Final[dict[str, Callable[[bytes, Sequence[str]], Run]]] = {
    "onnxruntime": on_onnxruntime,
    "onnxruntime-plain": on_plain_onnxruntime,
    "openvino": on_openvino,
    "tensorrt": on_tensorrt,
}


def _onnxruntime(model: bytes, outputs: Sequence[str], fused: bool) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.log_severity_level = 3
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if fused else levels.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as failure:  # ONNX Runtime has no common base class for its load failures
        raise BundleError("ONNX Runtime cannot load the exposed file", expected="a model that it can run",
                          found=" ".join(str(failure).split())[:200],
                          mend="take another runner, or export with --fft matmul") from None

    def run(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        return dict(zip(outputs, session.run(list(outputs), dict(feeds)), strict=True))

    return run
