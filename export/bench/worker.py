"""A contender in a process of its own, so that its memory is its own and no thread pool spins into another's turn."""

from __future__ import annotations

import multiprocessing
import resource
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import LatxError
from edge.measure.angles import sagittal_angles
from export.bench.contenders import CONTENDERS, Arrays, Setting

CLOSING_S: Final = 10.0
"""What a contender gets to end."""


@dataclass(frozen=True)
class Ready:
    """A contender is loaded and has run once. angles_deg: (views, angles) float64."""

    load_s: float
    angles_deg: NDArray[np.float64]


@dataclass(frozen=True)
class Absent:
    """A contender cannot run here."""

    reason: str


class Worker:
    """Starts the process, and talks to it. ``close`` ends it."""

    def __init__(self, name: str, setting: Setting, views: list[Arrays]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would inherit the parent's threads and memory
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, name, setting, views), daemon=True)
        self._process.start()
        there.close()
        self.name = name

    def ready(self, patience_s: float) -> Ready | Absent:
        """Wait until it is loaded, but no longer than that."""
        return self._receive(patience_s, "loading")

    def turn(self, frames: int, patience_s: float) -> list[float] | Absent:
        """Run ``frames`` frames after one that does not count; milliseconds of each."""
        self._here.send(frames)
        return self._receive(patience_s, f"{frames + 1} frames")

    def close(self) -> float:
        """End it; the peak of its resident memory, MB."""
        try:
            self._here.send(0)
            answer = self._receive(CLOSING_S, "closing")
        except OSError:
            answer = 0.0
        self._process.join(CLOSING_S)
        return answer if isinstance(answer, float) else 0.0

    def _receive(self, patience_s: float, what: str) -> Any:
        try:
            if not self._here.poll(patience_s):
                self._process.kill()
                return Absent(f"{what} took longer than {patience_s:.0f} s; give more --patience, or a quiet machine")
            return self._here.recv()
        except EOFError:
            self._process.join(1)
            return Absent(f"its process ended with code {self._process.exitcode}")


def _serve(pipe: Connection, name: str, setting: Setting, views: list[Arrays]) -> None:
    try:
        start = time.perf_counter()
        run = CONTENDERS[name](setting)
        angles = [list(sagittal_angles(np.asarray(run(view)["endplates_mm"][0], np.float64)).values())
                  for view in views]
        pipe.send(Ready(time.perf_counter() - start, np.array(angles)))
    except LatxError as failure:
        pipe.send(Absent(failure.line()))
        return
    except Exception as failure:  # of somebody else's runtime: a row of the table, not the end of the bench
        pipe.send(Absent(" ".join(f"{type(failure).__name__}: {failure}".split())[:300]))
        return
    count = 0
    while frames := pipe.recv():
        run(views[count % len(views)])
        times = []
        for _ in range(frames):
            start = time.perf_counter()
            run(views[count % len(views)])
            times.append((time.perf_counter() - start) * 1e3)
            count += 1
        pipe.send(times)
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
