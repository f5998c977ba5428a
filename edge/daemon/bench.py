"""What the daemon adds to a frame: its whole turn against the pipeline within it, and against the pipeline alone."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge.bench import Spread
from edge.clock import SYSTEM_CLOCK
from edge.config.models import Config
from edge.daemon.service import Service
from edge.errors import RecordingError
from edge.frame import Frame
from edge.pipeline import Measurements, Pipeline
from edge.runtime.bundle import Bundle
from edge.view.gates import Refusal

WARM_UP: Final = 5
PATIENCE_S: Final = 60.0
"""Longest wait for the first measured frame."""


@dataclass(frozen=True)
class DaemonFigures:
    """What was found. turn: one frame in the daemon; pipeline: the part of it that is the pipeline; own: the rest.

    alone: the pipeline on the same frames between the turns, without the daemon.
    """

    turn: Spread
    pipeline: Spread
    own: Spread
    alone: Spread
    runs: int

    @property
    def share(self) -> float:
        """The daemon's own part over the pipeline's, at the medians."""
        return self.own.p50_ms / self.pipeline.p50_ms

    def rows(self) -> dict[str, Spread]:
        """Every row of the table, named as a person reads it."""
        return {"one frame in the daemon": self.turn, "of it the pipeline": self.pipeline,
                "of it the daemon's own": self.own, "the pipeline alone": self.alone}

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        spreads = {k: {"p50_ms": round(s.p50_ms, 3), "p95_ms": round(s.p95_ms, 3)} for k, s in self.rows().items()}
        return {"runs": self.runs, "steps": spreads, "share": round(self.share, 4)}


def looped(uri: str) -> str:
    """A recording's URI as one that is played without end, as fast as it is read."""
    return {"demo": "demo:loop,pace=none"}.get(uri, uri if "#" in uri or ":loop" in uri else f"{uri}#loop,pace=none")


def bench_daemon(uri: str, bundle: Bundle, runs: int) -> DaemonFigures:
    """Turn a daemon in live mode over ``runs`` measured frames of a recording; every part that a kiosk has is there.

    Raises:
        RecordingError: no frame of the recording is measured in time.
    """
    with tempfile.TemporaryDirectory(prefix="latx-bench-") as folder:
        config = Config.model_validate({
            "camera": {"uri": looped(uri)}, "storage": {"out": str(Path(folder, "scans"))}, "health": {"port": 0},
            "live": {"enabled": True, "max_hz": 120}, "scan": {"auto": False}, "outbox": {"min_free_mb": 0},
        })  # fmt: skip
        service = Service(config, bundle=lambda _: bundle)
        try:
            return _timed(service, bundle, runs)
        finally:
            service.close()


def _timed(service: Service, bundle: Bundle, runs: int) -> DaemonFigures:
    watch = _Watch(service.parts.model.process)
    service.parts.model.process = watch  # type: ignore[method-assign]
    alone, pipeline = list[float](), Pipeline(bundle)
    turns, inner = list[float](), list[float]()
    give_up_s = SYSTEM_CLOCK.monotonic_s() + PATIENCE_S
    service.daemon.warm_up()
    while len(turns) < runs + WARM_UP:
        if not turns and SYSTEM_CLOCK.monotonic_s() > give_up_s:
            raise RecordingError("no frame of the recording is measured", where=service.config.camera.uri,
                                 expected="a back", found=service.daemon.machine.state, mend="give another recording")
        watch.took_ms = None
        start = time.perf_counter()
        service.daemon.turn()
        end = time.perf_counter()
        if watch.took_ms is None:
            continue
        turns.append((end - start) * 1e3)
        inner.append(watch.took_ms)
        start = time.perf_counter()
        pipeline.process(*watch.frames)
        alone.append((time.perf_counter() - start) * 1e3)
    own = np.subtract(turns, inner)
    spreads = [_spread(np.asarray(values)[WARM_UP:]) for values in (turns, inner, own, alone)]
    return DaemonFigures(spreads[0], spreads[1], spreads[2], spreads[3], runs)


class _Watch:
    """Times a call of the pipeline that was measured, and keeps its frames."""

    def __init__(self, process: Callable[[Frame, Frame | None], Measurements | Refusal]) -> None:
        self._process = process
        self.took_ms: float | None = None
        self.frames: tuple[Frame, Frame | None]

    def __call__(self, frame: Frame, previous: Frame | None) -> Measurements | Refusal:
        start = time.perf_counter()
        outcome = self._process(frame, previous)
        if isinstance(outcome, Measurements):
            self.took_ms, self.frames = (time.perf_counter() - start) * 1e3, (frame, previous)
        return outcome


def _spread(values: np.ndarray) -> Spread:
    p50, p95 = np.percentile(values, [50, 95])
    return Spread(float(p50), float(p95))
