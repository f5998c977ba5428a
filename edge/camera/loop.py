"""Plays a recording over and over, as a camera that never ends: numbers and clocks go on where a pass ends.

For running the kiosk for hours without a camera. Paced to the recording's own frame rate, or as fast as it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Final

from edge.camera.depth_camera import CameraInfo, DepthCamera
from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import RecordingError
from edge.frame import Frame

HELD_FRAMES: Final = 32
"""A recording of at most so many frames is decoded once and kept (a 848x480 frame with colour is 3 MB)."""
DEFAULT_PERIOD_S: Final = 1 / 15  # where a recording has but one frame and so no rate


class LoopCamera:
    """The recording that ``opener`` opens, without end.

    Args:
        opener: opens the recording from its start; called once for a short recording, once a pass for a long one.
        paced: deliver at the recording's rate; else at once, the device clock still counting recording time.

    Raises:
        RecordingError: as ``opener``; or, from ``read``, the recording holds no frame.
    """

    def __init__(self, opener: Callable[[], DepthCamera], *, paced: bool = True, clock: Clock = SYSTEM_CLOCK) -> None:
        self._opener = opener
        self._paced = paced
        self._clock = clock
        self._camera: DepthCamera | None = opener()
        self._info = replace(self._camera.info, live=paced)
        self._held: list[Frame] | None = []
        self._position = 0
        self._last: Frame | None = None
        self._last_recorded_ms: float | None = None
        self._period_s = DEFAULT_PERIOD_S
        self._due_s = clock.monotonic_s()
        self._closed = False

    @property
    def info(self) -> CameraInfo:
        return self._info

    def read(self) -> Frame:
        """The next frame; never None."""
        if self._closed:
            raise RecordingError("the recording is closed", where=self._info.source, expected="an open recording",
                                 found="a closed one")
        frame = self._next()
        step_ms = frame.device_time_ms - self._last_recorded_ms if self._last_recorded_ms is not None else 0.0
        if step_ms > 0:  # not so from the last frame of a pass to the first of the next: the period before holds
            self._period_s = step_ms / 1e3
        self._last_recorded_ms = frame.device_time_ms
        self._pace()
        last, now_ns = self._last, self._clock.now_ns()
        self._last = replace(
            frame,
            number=frame.number if last is None else last.number + 1,
            captured_at_ns=now_ns if last is None else max(now_ns, last.captured_at_ns + 1),
            device_time_ms=frame.device_time_ms if last is None else last.device_time_ms + self._period_s * 1e3,
        )
        return self._last

    def close(self) -> None:
        self._closed = True
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()

    def __enter__(self) -> LoopCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pace(self) -> None:
        """Wait until the frame is due. Who reads late gets it at once, and no burst of missed ones after it."""
        if not self._paced or self._last is None:
            self._due_s = self._clock.monotonic_s()
            return
        self._due_s += self._period_s
        now_s = self._clock.monotonic_s()
        if now_s > self._due_s + self._period_s:
            self._due_s = now_s
        self._clock.sleep(self._due_s - now_s)

    def _next(self) -> Frame:
        """The next frame as recorded: from memory, from the recording, or from its start again."""
        if self._camera is None:
            assert self._held  # the camera is let go of only when all its frames are held
            self._position = (self._position + 1) % len(self._held)
            return self._held[self._position]
        frame = self._camera.read()
        if frame is None:
            return self._again()
        self._position += 1
        if self._held is not None:
            self._held = [*self._held, frame] if len(self._held) < HELD_FRAMES else None
        return frame

    def _again(self) -> Frame:
        """The first frame of the next pass."""
        assert self._camera is not None
        if self._position == 0:
            raise RecordingError("the recording holds no frame", where=self._info.source, expected="at least one",
                                 found="none", mend="record again")
        self._camera.close()
        self._position = 0
        if self._held:
            self._camera = None
            return self._held[0]
        self._camera = self._opener()
        return self._next()
