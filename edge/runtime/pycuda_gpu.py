"""An NVIDIA GPU through pycuda: the primary context (which TensorRT uses too), one stream, memory until the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from edge.errors import MissingDependencyError, ServiceError
from edge.runtime.gpu import Buffer, GpuIdentity, cuda_version
from edge.runtime.gpu_context import GpuContext

_MEND: Final = "start again; if it stays, look at dmesg and restart the device"


class PycudaGpu(GpuContext):
    """See ``edge.runtime.gpu.Gpu``.

    Raises:
        MissingDependencyError: pycuda is not installed. ServiceError: the driver finds no GPU.
    """

    def __init__(self, index: int = 0) -> None:
        try:
            import pycuda.driver as cuda
        except ImportError as failure:
            raise MissingDependencyError("pycuda cannot be imported", expected="pycuda 2024.1 or newer",
                                         found=str(failure), mend="pip install pycuda") from None
        super().__init__()
        self._cuda, self._allocations = cuda, list[Any]()
        try:
            cuda.init()
            device = cuda.Device(index)
            self._context: Any = device.retain_primary_context()
        except cuda.Error as failure:
            raise ServiceError("CUDA finds no usable GPU", expected=f"GPU {index}", found=str(failure),
                               mend="check that the driver runs (nvidia-smi or tegrastats)") from None
        attribute = cuda.device_attribute
        self._shares_memory = bool(device.get_attribute(attribute.INTEGRATED))
        self.identity = GpuIdentity(
            device.name(), ".".join(map(str, device.compute_capability())),
            int(device.get_attribute(attribute.MULTIPROCESSOR_COUNT)),
            ".".join(map(str, cuda.get_version()[:2])), cuda_version(int(cuda.get_driver_version())),
        )
        with self._current():
            self._stream = cuda.Stream()
        self.stream = int(self._stream.handle)

    def buffer(self, shape: tuple[int, ...], dtype: str, every_frame: bool) -> Buffer:
        """Page-locked host memory and device memory; on a Jetson both are one, where the host takes part each frame."""
        cuda, mapped = self._cuda, every_frame and self._shares_memory
        with self._current():
            flags = cuda.host_alloc_flags.DEVICEMAP if mapped else 0
            array = cuda.pagelocked_empty(shape, np.dtype(dtype), mem_flags=flags)
            array[...] = 0
            self._allocations.append(array.base)
            if mapped:
                return Buffer(int(array.base.get_device_pointer()), array, True)
            memory = cuda.mem_alloc(array.nbytes)
            self._allocations.append(memory)
            return Buffer(int(memory), array, False)

    def upload(self, buffer: Buffer) -> None:
        """See ``Gpu.upload``."""
        if not buffer.mapped:
            with self._current():
                self._cuda.memcpy_htod_async(buffer.address, buffer.host, self._stream)

    def download(self, buffer: Buffer) -> None:
        """See ``Gpu.download``."""
        if not buffer.mapped:
            with self._current():
                self._cuda.memcpy_dtoh_async(buffer.host, buffer.address, self._stream)

    def wait(self) -> None:
        """See ``Gpu.wait``."""
        with self._current():
            self._stream.synchronize()

    def close(self) -> None:
        """See ``Gpu.close``."""
        if self._context is None:
            return
        self.drop_graphs()
        with self._current():
            for allocation in self._allocations:
                allocation.free()
            self._stream = None
        self._allocations = []
        self._context.detach()
        self._context = None

    @contextmanager
    def _current(self) -> Iterator[None]:
        if self._context is None:
            raise ServiceError("the GPU was used after it was closed", expected="an open GPU", found="a closed one")
        self._context.push()
        try:
            yield
        except self._cuda.Error as failure:
            raise ServiceError("the GPU failed", where=self.identity.name, expected="CUDA_SUCCESS",
                               found=" ".join(str(failure).split())[:200], mend=_MEND) from None
        finally:
            self._cuda.Context.pop()

