"""The seam at which every source of frames plugs in: live cameras, recordings and stand-ins behave alike.

A source is chosen once, by ``edge.camera.open_camera``; nobody further in asks what kind it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, runtime_checkable

from edge.frame import Frame, Intrinsics


@dataclass(frozen=True)
class CameraInfo:
    """What is known of a source before its first frame.

    source: URI or path as the user gave it. model, serial: of the camera, "" where not told. intrinsics: of the
    aligned pair. depth_unit_m: metres per count of the stored depth.
    """

    source: str
    model: str
    serial: str
    intrinsics: Intrinsics
    depth_unit_m: float


@runtime_checkable
class DepthCamera(Protocol):
    """A source of frames; also a context manager that closes it."""

    @property
    def info(self) -> CameraInfo:
        """What is known before the first frame."""
        ...

    def read(self) -> Frame | None:
        """The next frame, or None at the end of a recording (and ever after).

        Raises:
            RecordingError: the source cannot be read on, or is closed.
        """
        ...

    def close(self) -> None:
        """Release the source; closing twice is harmless."""
        ...

    def __enter__(self) -> DepthCamera: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
