"""An NVIDIA GPU through NVIDIA's cuda-bindings: the same as pycuda's, from a wheel and with no compiler."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from edge.errors import MissingDependencyError, ServiceError
from edge.runtime.gpu import Buffer, GpuIdentity, cuda_version
from edge.runtime.gpu_context import GpuContext

_MEND: Final = "start again; if it stays, look at dmesg and restart the device"


class CudaBindingsGpu(GpuContext):
    """See ``edge.runtime.gpu.Gpu``.

    Raises:
        MissingDependencyError: cuda-bindings is not installed. ServiceError: the driver finds no GPU.
    """

    def __init__(self, index: int = 0) -> None:
        try:
            from cuda.bindings import driver as cuda
        except ImportError as failure:
            raise MissingDependencyError("cuda-bindings cannot be imported", expected="cuda-bindings 12.6 or newer",
                                         found=str(failure), mend="pip install cuda-bindings") from None
        self._cuda, self._name = cuda, "CUDA"
        super().__init__()
        self._device_memory, self._host_memory = list[int](), list[int]()
        self._open = False
        try:
            self._call(cuda.cuInit, 0)
        except RuntimeError as failure:  # the bindings' own error where libcuda.so.1 is not on the machine
            raise ServiceError("the NVIDIA driver's library cannot be loaded", expected="libcuda.so.1",
                               found=" ".join(str(failure).split())[:200],
                               mend="install the driver (on a Jetson: JetPack)") from None
        self._device = self._call(cuda.cuDeviceGet, index)
        self._context = self._call(cuda.cuDevicePrimaryCtxRetain, self._device)
        self._open = True
        self.identity = self._identity()
        self._name = self.identity.name
        with self._current():
            self._stream = self._call(cuda.cuStreamCreate, 0)
        self.stream = int(self._stream)

    def buffer(self, shape: tuple[int, ...], dtype: str, every_frame: bool) -> Buffer:
        """Page-locked host memory and device memory; on a Jetson both are one, where the host takes part each frame."""
        cuda, size = self._cuda, int(np.prod(shape)) * np.dtype(dtype).itemsize
        mapped = every_frame and self._shares_memory
        with self._current():
            pointer = int(self._call(cuda.cuMemHostAlloc, size, cuda.CU_MEMHOSTALLOC_DEVICEMAP if mapped else 0))
            self._host_memory.append(pointer)
            raw = (ctypes.c_byte * size).from_address(pointer)
            array = np.frombuffer(memoryview(raw), dtype=np.dtype(dtype)).reshape(shape)
            array[...] = 0
            if mapped:
                return Buffer(int(self._call(cuda.cuMemHostGetDevicePointer, pointer, 0)), array, True)
            address = int(self._call(cuda.cuMemAlloc, size))
            self._device_memory.append(address)
            return Buffer(address, array, False)

    def upload(self, buffer: Buffer) -> None:
        """See ``Gpu.upload``."""
        if not buffer.mapped:
            with self._current():
                host = buffer.host
                self._call(self._cuda.cuMemcpyHtoDAsync, buffer.address, host.ctypes.data, host.nbytes, self._stream)

    def download(self, buffer: Buffer) -> None:
        """See ``Gpu.download``."""
        if not buffer.mapped:
            with self._current():
                host = buffer.host
                self._call(self._cuda.cuMemcpyDtoHAsync, host.ctypes.data, buffer.address, host.nbytes, self._stream)

    def wait(self) -> None:
        """See ``Gpu.wait``."""
        with self._current():
            self._call(self._cuda.cuStreamSynchronize, self._stream)

    def close(self) -> None:
        """See ``Gpu.close``."""
        if not self._open:
            return
        self.drop_graphs()
        with self._current():
            for address in self._device_memory:
                self._call(self._cuda.cuMemFree, address)
            for pointer in self._host_memory:
                self._call(self._cuda.cuMemFreeHost, pointer)
            self._call(self._cuda.cuStreamDestroy, self._stream)
        self._call(self._cuda.cuDevicePrimaryCtxRelease, self._device)
        self._device_memory, self._host_memory, self._open = [], [], False

    def _identity(self) -> GpuIdentity:
        attributes = self._cuda.CUdevice_attribute

        def of(name: str) -> int:
            attribute = getattr(attributes, f"CU_DEVICE_ATTRIBUTE_{name}")
            return int(self._call(self._cuda.cuDeviceGetAttribute, attribute, self._device))

        self._shares_memory = bool(of("INTEGRATED"))
        name = bytes(self._call(self._cuda.cuDeviceGetName, 128, self._device)).split(b"\0")[0].decode()
        return GpuIdentity(
            name, f"{of('COMPUTE_CAPABILITY_MAJOR')}.{of('COMPUTE_CAPABILITY_MINOR')}", of("MULTIPROCESSOR_COUNT"),
            cuda_version(int(self._cuda.CUDA_VERSION)), cuda_version(int(self._call(self._cuda.cuDriverGetVersion))),
        )

    @contextmanager
    def _current(self) -> Iterator[None]:
        if not self._open:
            raise ServiceError("the GPU was used after it was closed", expected="an open GPU", found="a closed one")
        self._call(self._cuda.cuCtxPushCurrent, self._context)
        try:
            yield
        finally:
            self._call(self._cuda.cuCtxPopCurrent)

    def _call(self, function: Callable[..., tuple[Any, ...]], *arguments: Any) -> Any:
        code, *values = function(*arguments)
        if int(code) != 0:
            raise ServiceError(f"{function.__name__} failed", where=self._name, expected="CUDA_SUCCESS",
                               found=str(code), mend=_MEND)
        return values[0] if values else None
