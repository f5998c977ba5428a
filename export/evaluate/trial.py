"""One scan to be taken: a camera, who stands before it, and what is true of their spine, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from edge.camera.depth_camera import CameraInfo, DepthCamera
from edge.frame import Frame
from edge.view.back_view import BackView

Values = NDArray[np.float64]
About = Mapping[str, str | float]


@dataclass(frozen=True)
class Trial:
    """A subject about to be scanned, and the truth, which nothing on the device's path sees.

    true_deg: angles by name, degrees. about: traits and camera, by name. The callables put the truth into the body
    frame that the device found for a view, millimetres: endplates_mm (37, 4, 3); line_mm (N, 3), C7-T1 to L5-S1
    through the vertebral bodies; spinous_mm (M, 3), the line of the spinous processes; film (512, 256) float32 log
    attenuation on grid RADIOGRAPH, in the middle of the frames of several views. None where it is unknown.
    folder: where its files lie, None where it has none.
    """

    name: str
    open_camera: Callable[[], DepthCamera]
    true_deg: Mapping[str, float]
    about: About = field(default_factory=dict)
    endplates_mm: Callable[[BackView], Values] | None = None
    line_mm: Callable[[BackView], Values] | None = None
    spinous_mm: Callable[[BackView], Values] | None = None
    film: Callable[[Sequence[BackView]], NDArray[np.float32]] | None = None
    folder: Path | None = None


class FrameSource:
    """Frames that are made as they are read, as a ``DepthCamera``: no file in between."""

    def __init__(self, frames: Iterator[Frame], name: str) -> None:
        self._first: Frame | None = next(frames)
        self._frames = frames
        frame = self._first
        self._info = CameraInfo(name, frame.camera_model, frame.camera_serial, frame.intrinsics, 0.001)

    @property
    def info(self) -> CameraInfo:
        """What is known before the first frame."""
        return self._info

    def read(self) -> Frame | None:
        """The next frame, None at the end."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return next(self._frames, None)

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> FrameSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
