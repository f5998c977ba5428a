"""Timing of one frame through every step, beside the two bare model runs on the same inputs."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
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
    """What a bench found, all with their pictures: ``steps`` in the order of the frame's way.

    alone: the steps of one frame from end to end. streamed: from one frame's picture to the next one's, where frames
    follow each other as in a scan. bare: the two model runs alone.
    """

    steps: dict[str, Spread]
    alone: Spread
    streamed: Spread
    bare: Spread
    runs: int
    peak_memory_mb: float

    @property
    def frames_per_s(self) -> float:
        """Frames per second of a stream, at the median."""
        return 1e3 / self.streamed.p50_ms

    @property
    def ratio(self) -> float:
        """A frame of a stream over the bare model runs, at the median."""
        return self.streamed.p50_ms / self.bare.p50_ms

    @property
    def ratio_alone(self) -> float:
        """One frame from end to end over the bare model runs, at the median."""
        return self.alone.p50_ms / self.bare.p50_ms

    def rows(self) -> dict[str, Spread]:
        """Every row of the table, named as a person reads it."""
        return {**self.steps, "one frame alone": self.alone, "a frame in a stream": self.streamed,
                "two bare model runs": self.bare}

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        spreads = {k: {"p50_ms": round(s.p50_ms, 3), "p95_ms": round(s.p95_ms, 3)} for k, s in self.rows().items()}
        return {"runs": self.runs, "steps": spreads, "frames_per_s": round(self.frames_per_s, 2),
                "ratio": round(self.ratio, 3), "ratio_alone": round(self.ratio_alone, 3),
                "peak_memory_mb": round(self.peak_memory_mb, 1)}


def bench(camera: DepthCamera, bundle: Bundle, runs: int) -> Figures:
    """Time ``runs`` frames; frames alone, bare runs and streams take turns, so that all see the same machine.

    Raises:
        RecordingError: fewer than two frames. RefusedError: a frame is refused: nothing useful could be timed.
    """
    frames = _frames(camera)
    pipeline = Pipeline(bundle)
    bare = _bare_run(bundle, frames, camera.info.source)
    steps: dict[str, list[float]] = {}
    alone, streamed, bares = list[float](), list[float](), list[float]()
    frame = frames[0]
    for run in range(-WARM_UP, runs):
        at = run % (len(frames) - 1)
        # A copy each time: what is kept of a frame while it lives must not outlive the turn in which a device reads it.
        previous, frame = frame if at else replace(frames[0]), replace(frames[at + 1])
        start = time.perf_counter()
        outcome = _measured(pipeline.process(frame, previous), camera.info.source)
        measured = time.perf_counter()
        png(radiograph_picture(outcome.log_attenuation))
        end = time.perf_counter()
        bare()
        after = time.perf_counter()
        if run >= 0:
            _collect(steps, outcome, (end - measured) * 1e3)
            alone.append((end - start) * 1e3)
            bares.append((after - end) * 1e3)
        if at == len(frames) - 2 or run == runs - 1:
            streamed += _streamed_ms(pipeline, frames, camera.info.source)
    return Figures({k: _spread(v) for k, v in steps.items()}, _spread(alone), _spread(streamed), _spread(bares), runs,
                   resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _streamed_ms(pipeline: Pipeline, frames: list[Frame], source: str) -> list[float]:
    """Times between the pictures of frames that follow each other, the first two (nothing overlaps yet) left out."""
    copies = iter([replace(frame) for frame in frames])
    with closing(pipeline.stream(lambda: next(copies, None))) as stream:
        done = []
        for outcome in stream:
            png(radiograph_picture(_measured(outcome, source).log_attenuation))
            done.append(time.perf_counter())
    return [float(ms) for ms in np.diff(done[min(1, len(done) - 2):]) * 1e3]


def _measured(outcome: Measurements | Refusal, source: str) -> Measurements:
    if isinstance(outcome, Refusal):
        raise _refused(outcome, source)
    return outcome


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
