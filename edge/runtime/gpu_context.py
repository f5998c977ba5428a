"""What every binding of CUDA does alike once it can make its context current: enqueue, and keep captured graphs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager

from edge.runtime.cuda_graph import CudaGraph


class GpuContext(ABC):
    """Base of the bindings; see ``edge.runtime.gpu.Gpu``. ``stream``: handle of the only stream."""

    stream: int

    def __init__(self) -> None:
        self._graphs: list[CudaGraph] = []

    @abstractmethod
    def _current(self) -> AbstractContextManager[None]:
        """The context, current for the calling thread.

        Raises:
            ServiceError: the GPU is closed.
        """

    def enqueue(self, work: Callable[[], None]) -> None:
        """See ``Gpu.enqueue``."""
        with self._current():
            work()

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """See ``Gpu.capture``."""
        with self._current():
            graph = CudaGraph(self.stream, work)
        self._graphs.append(graph)
        return lambda: self.enqueue(graph.launch)

    def drop_graphs(self) -> None:
        """See ``Gpu.drop_graphs``."""
        with self._current():
            while self._graphs:
                self._graphs.pop().close()
