"""Timing of one frame through every step, beside the two bare model runs on the same inputs."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from edge.draw.radiograph import png, radiograph_picture
from edge.errors import RecordingError, RefusedError
from edge.frame import Frame
from edge.lift import back_tensor, lateral_lift
from edge.pipeline import Measurements, Pipeline
from edge.runtime.bundle import Bundle
from edge.view.gates import Refusal
from edge.view.see import see

if TYPE_CHECKING:
    from edge.camera.depth_camera import DepthCamera

WARM_UP: Final = 3
"""Frames before the clock counts: threads start, caches fill."""
FRAMES_HELD: Final = 8
"""Frames of the recording that are gone through, over and over; reading them is not part of the cost."""


@dataclass(frozen=True)
class Spread:
    """Median and 95th percentile, milliseconds."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Figures:
    """What a bench found. ``steps`` in the order of the frame's way; ``bare`` is the two model runs alone."""

    steps: dict[str, Spread]
    total: Spread
    bare: Spread
    runs: int
    peak_memory_mb: float

    @property
    def frames_per_s(self) -> float:
        """Frames per second at the median, one after the other."""
        return 1e3 / self.total.p50_ms

    @property
    def ratio(self) -> float:
        """Everything over the bare model runs, at the median."""
        return self.total.p50_ms / self.bare.p50_ms

    def rows(self) -> dict[str, Spread]:
        """Every row of the table, named as a person reads it."""
        return {**self.steps, "all steps": self.total, "two bare model runs": self.bare}

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        spreads = {k: {"p50_ms": round(s.p50_ms, 3), "p95_ms": round(s.p95_ms, 3)} for k, s in self.rows().items()}
        return {"runs": self.runs, "steps": spreads, "frames_per_s": round(self.frames_per_s, 2),
                "ratio": round(self.ratio, 3), "peak_memory_mb": round(self.peak_memory_mb, 1)}


def bench(camera: DepthCamera, bundle: Bundle, runs: int) -> Figures:
    """Time ``runs`` frames; the bare runs take turns with the full ones, so that both see the same machine.

    Raises:
        RecordingError: fewer than two frames. RefusedError: a frame is refused: nothing useful could be timed.
    """
    frames = _frames(camera)
    pipeline = Pipeline(bundle)
    bare = _bare_run(bundle, frames, camera.info.source)
    steps: dict[str, list[float]] = {}
    totals, bares = [], []
    for run in range(-WARM_UP, runs):
        previous, frame = frames[run % (len(frames) - 1)], frames[run % (len(frames) - 1) + 1]
        start = time.perf_counter()
        outcome = pipeline.process(frame, previous)
        measured = time.perf_counter()
        if isinstance(outcome, Refusal):
            raise _refused(outcome, camera.info.source)
        png(radiograph_picture(outcome.log_attenuation))
        end = time.perf_counter()
        bare()
        after = time.perf_counter()
        if run >= 0:
            _collect(steps, outcome, (end - measured) * 1e3)
            totals.append((end - start) * 1e3)
            bares.append((after - end) * 1e3)
    return Figures({k: _spread(v) for k, v in steps.items()}, _spread(totals), _spread(bares), runs,
                   resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _frames(camera: DepthCamera) -> list[Frame]:
    frames: list[Frame] = []
    while len(frames) < FRAMES_HELD and (frame := camera.read()) is not None:
        frames.append(frame)
    if len(frames) < 2:
        raise RecordingError("too few frames to time", where=camera.info.source, expected="at least two",
                             found=str(len(frames)), mend="give a longer recording")
    return frames


def _bare_run(bundle: Bundle, frames: list[Frame], source: str) -> Callable[[], None]:
    """A function that runs both stages once on the tensors of a real frame, and nothing else."""
    view = see(frames[1], frames[0])
    if isinstance(view, Refusal):
        raise _refused(view, source)
    first = {"back_view": back_tensor(view)[None], "lateral_lift": lateral_lift(view)[None]}

    def run() -> None:
        bundle.run(first)

    return run


def _collect(steps: dict[str, list[float]], outcome: Measurements, picture_ms: float) -> None:
    for step, ms in (outcome.timing_ms | {"picture": picture_ms}).items():
        steps.setdefault(step, []).append(ms)


def _spread(values: list[float]) -> Spread:
    p50, p95 = np.percentile(values, [50, 95])
    return Spread(float(p50), float(p95))


def _refused(refusal: Refusal, source: str) -> RefusedError:
    return RefusedError(f"a frame of the bench was refused as {refusal.reason}: {refusal.what}", where=source,
                        expected=refusal.expected, found=refusal.found, mend="give a recording of a back")
