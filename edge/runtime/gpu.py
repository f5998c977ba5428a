"""The seam to an NVIDIA GPU: memory, one stream, and graph capture; nothing else of CUDA is used.

Two modules fit it: ``edge.runtime.pycuda_gpu`` and ``edge.runtime.cuda_bindings_gpu``. Which one is installed is asked
once, here. Every method but ``close`` makes the GPU's context current for the calling thread while it works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingDependencyError


@dataclass(frozen=True)
class GpuIdentity:
    """What an engine is tied to besides TensorRT. ``cuda``: the binding's; ``driver``: the newest CUDA it takes."""

    name: str
    compute_capability: str
    multiprocessors: int
    cuda: str
    driver: str


@dataclass(frozen=True)
class Buffer:
    """Memory that the GPU sees at ``address``.

    host: page-locked array of the same tensor on the host's side.
    mapped: ``host`` and ``address`` are the same memory (a GPU that shares the host's): nothing is ever copied.
    """

    address: int
    host: NDArray[np.generic]
    mapped: bool


class Gpu(Protocol):
    """One GPU with one stream. Serves one thread at a time; may move between threads."""

    @property
    def identity(self) -> GpuIdentity:
        """What engines are checked against."""

    @property
    def stream(self) -> int:
        """Handle (``CUstream``) of the only stream."""

    def buffer(self, shape: tuple[int, ...], dtype: str, every_frame: bool) -> Buffer:
        """Memory for one tensor, zeroed, kept until ``close``.

        every_frame: the host reads or writes it in each frame, so it is mapped where GPU and host share memory.
        """

    def upload(self, buffer: Buffer) -> None:
        """Enqueue host to device, unless mapped."""

    def download(self, buffer: Buffer) -> None:
        """Enqueue device to host, unless mapped."""

    def enqueue(self, work: Callable[[], None]) -> None:
        """Call ``work``, which enqueues on ``stream``, with the context current."""

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record what ``work`` enqueues as a CUDA graph; the answer enqueues the whole of it.

        Raises:
            ServiceError: the driver cannot capture or instantiate it.
        """

    def wait(self) -> None:
        """Block until the stream is done.

        Raises:
            ServiceError: the GPU failed in what was enqueued.
        """

    def drop_graphs(self) -> None:
        """Release every captured graph; before what they launch is released."""

    def close(self) -> None:
        """Release graphs, memory, stream and context, in this order. May be called twice."""


def cuda_version(number: int) -> str:
    """CUDA's version number as a text: 12060 is "12.6"."""
    return f"{number // 1000}.{number % 1000 // 10}"


def open_gpu() -> Gpu:
    """The first NVIDIA GPU through whichever binding is installed.

    Raises:
        MissingDependencyError: neither pycuda nor cuda-bindings is installed. ServiceError: there is no usable GPU.
    """
    from edge.runtime.cuda_bindings_gpu import CudaBindingsGpu
    from edge.runtime.pycuda_gpu import PycudaGpu

    for binding in (PycudaGpu, CudaBindingsGpu):
        try:
            return binding()
        except MissingDependencyError:
            continue
    raise MissingDependencyError("no Python binding of CUDA is installed", expected="pycuda or cuda-bindings",
                                 found="neither", mend="pip install pycuda, or pip install cuda-bindings")
