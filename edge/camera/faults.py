"""A camera that fails on purpose: it wraps any other and spoils the frames that its plan names.

Shipped, so that a site can rehearse what the kiosk does when its camera goes blind, repeats itself or goes away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Final

import numpy as np

from edge.camera.depth_camera import CameraInfo, DepthCamera
from edge.errors import RecordingError, UsageError
from edge.frame import Frame


def _blank(frame: Frame, _last: Frame | None) -> Frame:
    return replace(frame, depth_m=np.zeros_like(frame.depth_m))


def _not_a_number(frame: Frame, _last: Frame | None) -> Frame:
    return replace(frame, depth_m=np.full_like(frame.depth_m, np.nan))


def _stale(frame: Frame, last: Frame | None) -> Frame:
    return frame if last is None else last


def _no_colour(frame: Frame, _last: Frame | None) -> Frame:
    return replace(frame, colour=None)


FRAME_FAULTS: Final[dict[str, Callable[[Frame, Frame | None], Frame]]] = {
    "zeros": _blank,
    "nan": _not_a_number,
    "stale": _stale,
    "no_colour": _no_colour,
}
ENDS: Final = ("end", "unplug")
FAULTS: Final = (*FRAME_FAULTS, *ENDS)
"""Depth of zeros, depth of NaN, the frame before once more, no colour; an early end; a cable pulled out."""


class FaultyCamera:
    """Delivers the frames of ``camera`` with the faults of ``plan``.

    Args:
        camera: the camera to wrap; closed with this one.
        plan: fault by the index of the frame (0 is the first that is read).

    Raises:
        UsageError: the plan names an unknown fault.
    """

    def __init__(self, camera: DepthCamera, plan: Mapping[int, str] | None = None) -> None:
        self._camera = camera
        self._plan = dict(plan or {})
        self._index = 0
        self._ended = False
        self._last: Frame | None = None
        unknown = sorted(set(self._plan.values()) - set(FAULTS))
        if unknown:
            raise UsageError("unknown fault", expected=", ".join(FAULTS), found=", ".join(unknown))

    @property
    def info(self) -> CameraInfo:
        return self._camera.info

    def read(self) -> Frame | None:
        fault = self._plan.get(self._index, "")
        self._index += 1
        if fault == "unplug":
            self._ended = True
            self._camera.close()
            raise RecordingError(
                "the camera is gone", where=self.info.source, expected="a frame", found="no device",
                mend="check the USB cable",
            )
        if fault == "end":
            self._ended = True
        frame = None if self._ended else self._camera.read()
        if frame is None:
            return None
        if fault:
            frame = FRAME_FAULTS[fault](frame, self._last)
        self._last = frame
        return frame

    def close(self) -> None:
        self._camera.close()

    def __enter__(self) -> FaultyCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
