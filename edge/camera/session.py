"""One opening of a camera, in a thread of its own, so that a camera which hangs does not hang the process.

Opening, reading and closing all happen in that thread. It keeps the newest good frame; a frame that repeats the one
before it, or holds no reading at all, is counted and never handed on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np

from edge.camera.depth_camera import CameraInfo, DepthCamera
from edge.clock import Clock
from edge.frame import Frame
from edge.view.motion import frames_advanced

_log = logging.getLogger(__name__)


class Session:
    """Starts at once. All fields are guarded by ``news``, which is notified of every change.

    info: once the camera is open. failure: what ended the reading, if anything did. ended: a recording is over.
    closed: the thread has let go of the camera. alive_s: monotonic time of the last new frame, good or blank.
    good_s: of the last good one; None before the first. stale, blank: frames that were dropped for that. repeats:
    stale ones since the last new frame.
    """

    def __init__(self, opener: Callable[[], DepthCamera], news: threading.Condition, clock: Clock) -> None:
        self._opener = opener
        self._news = news
        self._clock = clock
        self._stopping = False
        self._slot: Frame | None = None
        self.info: CameraInfo | None = None
        self.failure: Exception | None = None
        self.ended = False
        self.closed = False
        self.started_s = self.alive_s = clock.monotonic_s()
        self.good_s: float | None = None
        self.stale = self.repeats = 0
        self.blank = 0
        self.thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self.thread.start()

    def take(self) -> Frame | None:
        """The newest good frame that was not taken yet. Call with ``news`` held."""
        frame, self._slot = self._slot, None
        if frame is not None:
            self.alive_s = max(self.alive_s, self._clock.monotonic_s())  # a recording waits until its frame is taken
            self._news.notify_all()
        return frame

    def stop(self) -> None:
        """Ask the thread to close the camera. Call with ``news`` held; ``closed`` tells when it is done."""
        self._stopping = True
        self._slot = None
        self._news.notify_all()

    def _run(self) -> None:
        camera: DepthCamera | None = None
        try:
            camera = self._opener()
            with self._news:
                self.info = camera.info
                self._news.notify_all()
            self._read_all(camera)
        except Exception as failure:  # whatever a driver raises ends this opening and nothing else
            with self._news:
                self.failure = failure
                self._news.notify_all()
        try:
            if camera is not None:
                camera.close()
        except Exception as failure:
            _log.warning("camera did not close cleanly: %s", failure)
        with self._news:
            self.closed = True
            self._news.notify_all()

    def _read_all(self, camera: DepthCamera) -> None:
        previous: Frame | None = None
        waits = not camera.info.live
        while not self._stopping:
            frame = camera.read()
            with self._news:
                if frame is None:
                    self.ended = True
                    self._news.notify_all()
                    return
                self.info = camera.info  # what degrades a camera may show only while it runs
                if self._is_good(frame, previous):
                    self._slot = frame
                    self._news.notify_all()
                while waits and self._slot is not None and not self._stopping:
                    self._news.wait()
            previous = frame

    def _is_good(self, frame: Frame, previous: Frame | None) -> bool:
        if previous is not None and frames_advanced(frame, previous) < 1:
            self.stale += 1
            self.repeats += 1
            return False
        self.alive_s = self._clock.monotonic_s()
        self.repeats = 0
        if not has_depth(frame):
            self.blank += 1
            return False
        self.good_s = self.alive_s
        return True


def has_depth(frame: Frame) -> bool:
    """Whether a frame holds any reading: finite and above 0, on every fourth row and column."""
    some = frame.depth_m[::4, ::4]
    return bool((np.isfinite(some) & (some > 0)).any())
