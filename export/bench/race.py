"""The bench: all contenders loaded, then in turns, so that each sees the same machine at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from export.bench.contenders import Arrays, Setting
from export.bench.worker import Absent, Worker

TURN_FRAMES: Final = 5
"""Timed frames of one turn: enough to be warm, too few for the machine to change."""


@dataclass(frozen=True)
class Row:
    """What one contender needed. load_s: until its first frames were through, with whatever it compiles.

    apart_deg: largest difference of any angle from the first contender's.
    """

    name: str
    p50_ms: float
    p95_ms: float
    memory_mb: float
    load_s: float
    apart_deg: float


@dataclass(frozen=True)
class Bench:
    """All rows; absent: why others could not run, by name. baseline: the row that ratios refer to."""

    rows: Sequence[Row]
    absent: dict[str, str]
    frames: int
    threads: int

    @property
    def baseline(self) -> Row:
        """The first row: PyTorch eager where it ran."""
        return self.rows[0]

    def ratio(self, row: Row) -> float:
        """How many times as fast as the baseline, at the median."""
        return self.baseline.p50_ms / row.p50_ms

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        rows = [{**vars(row), "frames_per_s": 1e3 / row.p50_ms, "ratio": self.ratio(row)} for row in self.rows]
        return {"frames": self.frames, "threads": self.threads, "baseline": self.baseline.name if rows else None,
                "rows": rows, "not_run": self.absent}


def race(names: Sequence[str], setting: Setting, views: list[Arrays], frames: int, patience_s: float = 300.0,
         say: Callable[[str], None] = lambda _text: None) -> Bench:
    """Time ``frames`` frames of each contender.

    Args:
        names: keys of ``CONTENDERS``.
        patience_s: what one contender may take to load, and for one turn; then it is out, and the others go on.
        say: told what is being waited for.
    """
    workers: dict[str, Worker] = {}
    absent: dict[str, str] = {}
    loaded: dict[str, tuple[float, np.ndarray]] = {}  # type: ignore[type-arg]
    times: dict[str, list[float]] = {}
    try:
        for name in names:  # one after the other: loading is no part of the race, but two at once would be
            say(f"{name}: loading")
            workers[name] = Worker(name, setting, views)
            answer = workers[name].ready(patience_s)
            if isinstance(answer, Absent):
                absent[name] = answer.reason
            else:
                loaded[name], times[name] = (answer.load_s, answer.angles_deg), []
        done = 0
        while done < frames:
            count = min(TURN_FRAMES, frames - done)
            for name in loaded:
                say(f"{done} of {frames} frames: {name}")
                turn = [] if name in absent else workers[name].turn(count, patience_s)
                if isinstance(turn, Absent):
                    absent[name] = turn.reason
                else:
                    times[name] += turn
            done += count
    finally:
        memory = {name: worker.close() for name, worker in workers.items()}
    present = [name for name in loaded if name not in absent]
    rows = []
    for name in present:
        p50, p95 = np.percentile(times[name], [50, 95])
        apart = float(np.abs(loaded[name][1] - loaded[present[0]][1]).max())
        rows.append(Row(name, float(p50), float(p95), memory[name], loaded[name][0], apart))
    return Bench(rows, absent, frames, setting.threads)
