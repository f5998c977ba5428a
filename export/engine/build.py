"""One ONNX file to the bytes of one engine, on TensorRT 10.3 and 11.x by the same calls.

Precision is in the file (casts, Q/DQ pairs), so the network is strongly typed and no precision flag is ever set. The
build runs in a thread of its own: Ctrl-C reaches Python only between bytecodes, and the builder is one call of minutes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import BundleError
from edge.runtime.tensorrt_log import make_log
from export.engine.progress import Progress, make_monitor


@dataclass(frozen=True)
class BuildOptions:
    """Bounds of a build.

    workspace_bytes: the most that tactics may use for scratch memory, and the builder tries.
    optimization_level: 0 to 5, how long the builder searches.
    tf32: let FP32 layers multiply with 10 bits of mantissa; an engine that is to be FP32 must not.
    """

    workspace_bytes: int = 1 << 30
    optimization_level: int = 3
    tf32: bool = True


def build_engine(
    trt: Any, source: Path, options: BuildOptions, progress: Progress, timing_cache: bytes = b"",
    configure: Callable[[Any], None] | None = None,
) -> tuple[bytes, bytes]:
    """Parse and build.

    Args:
        trt: a module of TensorRT (``tensorrt``, or ``tensorrt_rtx`` which builds ahead of time without a GPU).
        timing_cache: what an earlier build with the same TensorRT, CUDA, GPU and options gave back; b"" starts anew.
        configure: told the builder's configuration before the build, for what only one TensorRT has.

    Returns:
        the engine, and the timing cache that it leaves.

    Raises:
        BundleError: the parser or the builder refuses the file; names the node or the reason.
        KeyboardInterrupt: Ctrl-C; the builder was told to stop and has stopped.
    """
    log = make_log(trt)
    builder = trt.Builder(log)
    network = builder.create_network(_network_flags(trt))
    _parse(trt, network, source, log)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_bytes)
    config.builder_optimization_level = options.optimization_level
    if not options.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    cache = config.create_timing_cache(timing_cache)
    if not config.set_timing_cache(cache, False):  # of another machine after all, or broken: as if there were none
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, False)
    if configure is not None:
        configure(config)
    monitor = make_monitor(trt, progress)
    config.progress_monitor = monitor
    built = _in_a_thread(lambda: builder.build_serialized_network(network, config), progress)
    if built is None:
        raise BundleError("TensorRT cannot build an engine", where=str(source), expected="an engine",
                          found=log.reason(), mend="give it more --workspace-mib, or build another --precision")
    left = config.get_timing_cache()
    return bytes(built), b"" if left is None else bytes(left.serialize())


def _network_flags(trt: Any) -> int:
    # From 11 on every network is strongly typed and the flag is on its way out.
    strongly_typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if strongly_typed is None else 1 << int(strongly_typed)


def _parse(trt: Any, network: Any, source: Path, log: Any) -> None:
    parser = trt.OnnxParser(network, log)
    if parser.parse_from_file(str(source)):
        return
    errors = [parser.get_error(i) for i in range(parser.num_errors)]
    named = [f"{e.node_operator()} node {e.node_name()!r}: {e.desc()}" if e.node_operator() else str(e.desc())
             for e in errors]
    raise BundleError("TensorRT's parser refuses the model", where=str(source),
                      expected=f"operators of TensorRT {trt.__version__}, static shapes",
                      found="; ".join(named[:3]) or log.reason(),
                      mend="export the bundle with --fft matmul, or give --plugin the library of the missing node")


def _in_a_thread(build: Callable[[], Any], progress: Progress) -> Any:
    """The answer of ``build``; Ctrl-C asks the monitor to stop it, and is raised when it has."""
    answer: list[Any] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            answer.append(build())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="tensorrt-build")
    thread.start()
    interrupted = False
    while thread.is_alive():
        try:
            thread.join(0.2)  # a join without end would hold Ctrl-C back on some systems
        except KeyboardInterrupt:
            interrupted = True
            progress.cancel()
    if interrupted:
        raise KeyboardInterrupt
    if failure:
        raise failure[0]
    return answer[0]
