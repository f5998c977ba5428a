"""CUDA graph capture through the driver's own library, because pycuda does not offer it.

A frame is about two thousand kernels; launched one by one they cost more host time than GPU time on a Jetson, as a
graph they are one launch. Names and numbers are those of ``cuda.h`` (CUDA 12 and 13).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

from edge.errors import ServiceError

_THREAD_LOCAL: Final = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may go on using CUDA meanwhile


def libcuda() -> Any:
    """The driver's library.

    Raises:
        ServiceError: no NVIDIA driver is installed.
    """
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError as failure:
        raise ServiceError("the NVIDIA driver's library cannot be loaded", expected="libcuda.so.1", found=str(failure),
                           mend="install the driver (on a Jetson: JetPack)") from None


class CudaGraph:
    """What ``work`` enqueues on ``stream``, captured once and launched as often as asked.

    Raises:
        ServiceError: a call of the driver failed; the stream is left out of capture.
    """

    def __init__(self, stream: int, work: Callable[[], None]) -> None:
        self._cuda, self._stream = libcuda(), ctypes.c_void_p(stream)
        graph, self._executable = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuStreamBeginCapture_v2", self._stream, ctypes.c_int(_THREAD_LOCAL))
        try:
            work()
        except BaseException:
            self._cuda.cuStreamEndCapture(self._stream, ctypes.byref(graph))
            if graph:
                self._cuda.cuGraphDestroy(graph)
            raise
        self._call("cuStreamEndCapture", self._stream, ctypes.byref(graph))
        try:
            self._call("cuGraphInstantiateWithFlags", ctypes.byref(self._executable), graph, ctypes.c_ulonglong(0))
        finally:
            self._cuda.cuGraphDestroy(graph)

    def launch(self) -> None:
        """Enqueue the whole graph on its stream."""
        self._call("cuGraphLaunch", self._executable, self._stream)

    def close(self) -> None:
        """Give the graph back. May be called twice."""
        if self._executable:
            self._cuda.cuGraphExecDestroy(self._executable)
            self._executable = ctypes.c_void_p()

    def _call(self, function: str, *arguments: Any) -> None:
        code = getattr(self._cuda, function)(*arguments)
        if code != 0:
            raise ServiceError(f"{function} failed", where="CUDA graph", expected="CUDA_SUCCESS",
                               found=f"CUresult {code}", mend="start again; if it stays, update the NVIDIA driver")
