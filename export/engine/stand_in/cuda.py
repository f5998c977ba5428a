"""A stand-in for ``pycuda.driver`` and for the graph calls of ``libcuda``, in host memory.

Streams are queues that are worked off only when somebody waits, so a missing wait or a buffer that is reused too early
shows. What is allocated is counted, copies beyond an allocation are refused, and calls without a current context fail
as they do on a GPU.
"""

from __future__ import annotations

import ctypes
import types
import weakref
from collections.abc import Callable
from typing import Any, Final

import numpy as np

_ALIGNMENT: Final = 256  # of cuMemAlloc


class Error(Exception):
    """pycuda's base class of errors."""


class StandInCuda:
    """One make-believe GPU. ``module`` is what to import as ``pycuda.driver``, ``libcuda`` the driver's library.

    Args:
        name, capability, multiprocessors, cuda, driver: as the GPU reports them.
        shares_memory: an integrated GPU, as on a Jetson.
        fail: names of driver functions that fail, for example "cuStreamBeginCapture_v2", "synchronize", "mem_alloc".
    """

    def __init__(self, name: str = "Orin (stand-in)", capability: tuple[int, int] = (8, 7), multiprocessors: int = 8,
                 cuda: tuple[int, int, int] = (12, 6, 0), driver: int = 12060, shares_memory: bool = False,
                 fail: frozenset[str] = frozenset()) -> None:
        self.name, self.capability, self.multiprocessors = name, capability, multiprocessors
        self.cuda, self.driver, self.shares_memory, self.fail = cuda, driver, shares_memory, set(fail)
        self.alive: dict[int, int] = {}  # address -> bytes, of everything allocated
        self.streams: weakref.WeakValueDictionary[int, Stream] = weakref.WeakValueDictionary()
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.current: list[Context] = []
        self.events: list[str] = []
        self.copies = 0
        self.contexts = 0
        self._next_handle = 0x1000
        self.module, self.libcuda = _module(self), LibCuda(self)

    def handle(self) -> int:
        """A number that no other object has."""
        self._next_handle += 0x10
        return self._next_handle

    def check(self, function: str) -> None:
        """Fail as told, or for want of a current context.

        Raises:
            Error: as pycuda words it.
        """
        if function in self.fail:
            raise Error(f"{function} failed: unspecified launch failure")
        if not self.current:
            raise Error(f"{function} failed: invalid device context")

    def inside(self, address: int, size: int) -> bool:
        """Whether ``size`` bytes from ``address`` lie within one allocation."""
        return any(start <= address and address + size <= start + length for start, length in self.alive.items())


class Allocation:
    """Device memory or page-locked host memory; both are host memory here."""

    def __init__(self, gpu: StandInCuda, size: int, kind: str) -> None:
        gpu.check("mem_alloc")
        self._gpu, self._kind = gpu, kind
        self._raw = np.zeros(size + _ALIGNMENT, np.uint8)
        start = self._raw.ctypes.data
        self.address = start + -start % _ALIGNMENT
        gpu.alive[self.address] = size

    def __int__(self) -> int:
        return self.address

    def get_device_pointer(self) -> int:
        """Address at which the GPU sees page-locked memory that was mapped."""
        if self._kind != "mapped":
            raise Error("cuMemHostGetDevicePointer failed: invalid argument")
        return self.address

    def free(self) -> None:
        """Give it back.

        Raises:
            Error: twice.
        """
        self._gpu.check("mem_free")
        if self._gpu.alive.pop(self.address, None) is None:
            raise Error("mem_free failed: invalid argument")
        self._gpu.events.append(f"free {self._kind}")


class PageLocked(np.ndarray):  # type: ignore[type-arg]
    """An array whose ``base`` is its allocation, as pycuda's is."""

    allocation: Allocation

    @property
    def base(self) -> Any:
        """The allocation."""
        return self.allocation


class Stream:
    """A queue, worked off by ``synchronize``; while it is captured, a list of what a graph will do."""

    def __init__(self, gpu: StandInCuda) -> None:
        gpu.check("Stream")
        self._gpu, self.handle = gpu, gpu.handle()
        self.queue: list[Callable[[], None]] = []
        self.captured: list[Callable[[], None]] | None = None
        gpu.streams[self.handle] = self

    def put(self, work: Callable[[], None]) -> None:
        """Enqueue or record."""
        (self.queue if self.captured is None else self.captured).append(work)

    def synchronize(self) -> None:
        """Do all that is enqueued."""
        self._gpu.check("synchronize")
        while self.queue:
            self.queue.pop(0)()

    def __del__(self) -> None:
        self._gpu.events.append("destroy stream")


class Context:
    """The primary context."""

    def __init__(self, gpu: StandInCuda) -> None:
        self._gpu = gpu
        gpu.contexts += 1

    def push(self) -> None:
        """Make it current."""
        self._gpu.current.append(self)

    def detach(self) -> None:
        """Give it back.

        Raises:
            Error: twice.
        """
        if self._gpu.contexts == 0:
            raise Error("context::detach failed: invalid device context")
        self._gpu.contexts -= 1
        self._gpu.events.append("detach context")


class Device:
    """The one GPU."""

    def __init__(self, gpu: StandInCuda, index: int) -> None:
        if "Device" in gpu.fail or index != 0:
            raise Error("cuDeviceGet failed: invalid device ordinal")
        self._gpu = gpu

    def name(self) -> str:
        """Marketing name."""
        return self._gpu.name

    def compute_capability(self) -> tuple[int, int]:
        """Major and minor."""
        return self._gpu.capability

    def get_attribute(self, attribute: str) -> int:
        """An attribute of ``device_attribute``."""
        values = {"INTEGRATED": int(self._gpu.shares_memory), "MULTIPROCESSOR_COUNT": self._gpu.multiprocessors}
        return values[attribute]

    def retain_primary_context(self) -> Context:
        """The context that TensorRT uses as well."""
        return Context(self._gpu)


class LibCuda:
    """The six graph functions of ``libcuda.so.1``; they answer with a CUresult."""

    def __init__(self, gpu: StandInCuda) -> None:
        self._gpu = gpu

    def cuStreamBeginCapture_v2(self, stream: Any, _mode: Any) -> int:
        """Record instead of enqueueing."""
        if "cuStreamBeginCapture_v2" in self._gpu.fail or not self._gpu.current:
            return 900
        self._gpu.streams[stream.value].captured = []
        return 0

    def cuStreamEndCapture(self, stream: Any, graph: Any) -> int:
        """End recording."""
        of = self._gpu.streams[stream.value]
        handle = self._gpu.handle()
        self._gpu.graphs[handle], of.captured = of.captured or [], None
        graph._obj.value = handle
        return 0

    def cuGraphInstantiateWithFlags(self, executable: Any, graph: Any, _flags: Any) -> int:
        """Make it launchable."""
        if "cuGraphInstantiateWithFlags" in self._gpu.fail:
            return 999
        handle = self._gpu.handle()
        self._gpu.graphs[handle] = list(self._gpu.graphs[graph.value])
        executable._obj.value = handle
        return 0

    def cuGraphLaunch(self, executable: Any, stream: Any) -> int:
        """Enqueue everything that was recorded."""
        for work in self._gpu.graphs[executable.value]:
            self._gpu.streams[stream.value].put(work)
        return 0

    def cuGraphDestroy(self, graph: Any) -> int:
        """Give the recording back."""
        del self._gpu.graphs[graph.value]
        return 0

    def cuGraphExecDestroy(self, executable: Any) -> int:
        """Give the launchable graph back."""
        del self._gpu.graphs[executable.value]
        self._gpu.events.append("destroy graph")
        return 0


def _module(gpu: StandInCuda) -> types.ModuleType:
    def pagelocked_empty(shape: tuple[int, ...], dtype: Any, mem_flags: int = 0) -> PageLocked:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        allocation = Allocation(gpu, size, "mapped" if mem_flags & 2 else "page-locked")
        raw = (ctypes.c_byte * size).from_address(allocation.address)
        array = np.frombuffer(memoryview(raw), dtype=dtype).reshape(shape).view(PageLocked)
        array.allocation = allocation
        array[...] = 99  # never zeroed by the driver
        return array

    def copy(host: np.ndarray[Any, Any], device: int, stream: Stream, to_device: bool) -> None:
        gpu.check("memcpy")
        if not gpu.inside(int(device), host.nbytes):
            raise Error("memcpy_async failed: invalid argument")
        target, source = (int(device), host.ctypes.data) if to_device else (host.ctypes.data, int(device))
        gpu.copies += 1
        stream.put(lambda: (ctypes.memmove(target, source, host.nbytes), None)[1])

    def pop() -> None:
        if not gpu.current:
            raise Error("context::pop failed: invalid device context")
        gpu.current.pop()

    def init() -> None:
        if "init" in gpu.fail:
            raise Error("cuInit failed: no CUDA-capable device is detected")

    module = types.ModuleType("pycuda.driver")
    members: dict[str, Any] = {
        "stand_in": gpu, "Error": Error,
        "init": init,
        "Device": lambda index: Device(gpu, index),
        "Context": types.SimpleNamespace(pop=pop),
        "Stream": lambda: Stream(gpu),
        "device_attribute": types.SimpleNamespace(INTEGRATED="INTEGRATED", MULTIPROCESSOR_COUNT="MULTIPROCESSOR_COUNT"),
        "host_alloc_flags": types.SimpleNamespace(DEVICEMAP=2),
        "get_version": lambda: gpu.cuda,
        "get_driver_version": lambda: gpu.driver,
        "mem_alloc": lambda size: Allocation(gpu, size, "device"),
        "pagelocked_empty": pagelocked_empty,
        "memcpy_htod_async": lambda device, host, stream: copy(host, device, stream, True),
        "memcpy_dtoh_async": lambda host, device, stream: copy(host, device, stream, False),
    }
    module.__dict__.update(members)
    return module
