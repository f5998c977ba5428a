"""NVIDIA's ONNX parser and ahead-of-time builder on one file, without a GPU, through TensorRT for RTX.

A program of its own (``python -m export.check.nvidia_parser FILE``, JSON on stdout): what goes wrong inside a native
parser may end its process. TensorRT for RTX is of TensorRT 11's generation, strongly typed, and builds for GPUs of
compute capability 8.6; it is neither TensorRT 10.3 nor a Jetson, whose engines are built on the device.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def parse_and_build(path: Path) -> dict[str, Any]:
    """``version``; ``errors``: of the parser, each with node, operator and text; without any: layers, bytes, seconds.

    Raises:
        ImportError: ``tensorrt-rtx-cu13`` is not installed.
    """
    import tensorrt_rtx as trt

    messages: list[str] = []
    logger = _recorder(trt, messages)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    answer: dict[str, Any] = {"version": trt.__version__, "errors": [], "built": False}
    started = time.perf_counter()
    if not parser.parse(path.read_bytes()):
        errors = [parser.get_error(i) for i in range(parser.num_errors)]
        answer["errors"] = [
            {"node": e.node_name(), "operator": e.node_operator(), "text": " ".join(str(e.desc()).split())}
            for e in errors
        ]
        return answer
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM86, 0)
    engine = builder.build_serialized_network(network, config)
    answer |= {"layers": network.num_layers, "built": engine is not None,
               "bytes": 0 if engine is None else engine.nbytes, "seconds": time.perf_counter() - started,
               "messages": messages}
    return answer


def _recorder(trt: Any, messages: list[str]) -> Any:
    class Recorder(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                messages.append(" ".join(text.split()))

    return Recorder()


if __name__ == "__main__":
    print(json.dumps(parse_and_build(Path(sys.argv[1]))))
