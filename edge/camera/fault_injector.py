"""Makes a camera fail on command or by a timetable, the way that cameras on USB fail, and lets it recover.

Shipped, so that a site can rehearse every failure with the daemon that it runs. ``edge.camera.faults`` spoils single
frames of a recording; this one goes on until it is cleared, over as many reopenings as that takes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final

from edge.camera.depth_camera import CameraInfo, DepthCamera
from edge.camera.faults import FRAME_FAULTS
from edge.camera.rehearsal import Scheduled, known
from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import RecordingError
from edge.frame import Frame

_SLICE_S: Final = 0.02


class FaultInjector:
    """Hand ``open`` to whoever opens the camera, then ``inject`` and ``clear``, from any thread.

    Args:
        opener: opens the true camera. timetable: faults that come and go by the clock, from now on.
    """

    def __init__(
        self, opener: Callable[[], DepthCamera], timetable: Sequence[Scheduled] = (), clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._opener = opener
        self._timetable = tuple(timetable)
        self._clock = clock
        self._start_s = clock.monotonic_s()
        self._injected = ""
        self._pause = threading.Event()

    @property
    def active(self) -> str:
        """The fault that holds now, or ""."""
        if self._injected:
            return self._injected
        now_s = self._clock.monotonic_s() - self._start_s
        holding = (row.fault for row in self._timetable if row.start_s <= now_s < row.start_s + row.seconds)
        return next(holding, "")

    def inject(self, fault: str) -> None:
        """Let ``fault`` hold until ``clear``.

        Raises:
            UsageError: no such fault.
        """
        self._injected = known(fault)

    def clear(self) -> None:
        """Let the camera be well again."""
        self._injected = ""

    def open(self) -> DepthCamera:
        """Open the camera as the active fault lets it be opened."""
        fault = self.active
        if fault in ("unplug", "hang_on_stop"):
            what = "no camera is connected" if fault == "unplug" else "the camera is busy"
            raise RecordingError(what, where="rehearsed fault", expected="a camera that answers", found=fault,
                                 mend="wait until the rehearsal is over")
        return _InjectedCamera(self._opener(), self, slow=fault == "usb2")

    def hang(self, fault: str) -> None:
        """Return when ``fault`` no longer holds."""
        while self.active == fault:
            self._pause.wait(_SLICE_S)


class _InjectedCamera:
    """One opening of the camera. slow: it was opened at USB 2 speed."""

    def __init__(self, camera: DepthCamera, injector: FaultInjector, slow: bool) -> None:
        self._camera, self._injector, self._slow = camera, injector, slow
        self._last: Frame | None = None

    @property
    def info(self) -> CameraInfo:
        info = self._camera.info
        return replace(info, usb="2.1", degraded=("usb2", *info.degraded)) if self._slow else info

    def read(self) -> Frame | None:
        fault = self._injector.active
        if fault in ("unplug", "hang_on_stop") or (fault == "usb2") != self._slow:
            raise RecordingError("the camera is gone", where="rehearsed fault", expected="a frame",
                                 found=fault or "a camera that was plugged in anew", mend="check the USB cable")
        if fault == "hang_on_read":
            self._injector.hang(fault)
        frame = self._camera.read()
        if frame is not None and fault in FRAME_FAULTS:
            frame = FRAME_FAULTS[fault](frame, self._last)
        self._last = frame
        return frame

    def close(self) -> None:
        self._injector.hang("hang_on_stop")
        self._camera.close()

    def __enter__(self) -> DepthCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
