"""The seam at which every source of frames plugs in: live cameras, recordings and stand-ins behave alike.

A source is chosen once, by ``edge.camera.open_camera``; nobody further in asks what kind it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, runtime_checkable

from edge.frame import Frame, Intrinsics


@dataclass(frozen=True)
class Degradation:
    """What is worse than it should be, and how to mend it."""

    what: str
    advice: str


DEGRADATIONS: Final[dict[str, Degradation]] = {
    "usb2": Degradation("the camera runs at USB 2 speed", "Use the blue port and the camera's own USB 3 cable."),
    "profile": Degradation("the camera does not offer the resolution asked for", "Update its firmware, or ask less."),
    "gravity": Degradation(
        "nothing tells where down is; a level landscape mount is assumed", "Set `gravity` in the configuration."
    ),
    "no_depth": Degradation("the camera sees nothing at all", "Uncover and clean the lens; keep sunlight off."),
}


@dataclass(frozen=True)
class CameraInfo:
    """What is known of a source before its first frame.

    source: URI or path as the user gave it. model, serial: of the camera, "" where not told. intrinsics: of the
    aligned pair. depth_unit_m: metres per count of the stored depth. live: frames come whether they are read or not.
    usb, firmware, firmware_recommended: of a live camera, as told. degraded: keys of ``DEGRADATIONS`` that hold for it.
    """

    source: str
    model: str
    serial: str
    intrinsics: Intrinsics
    depth_unit_m: float
    live: bool = False
    usb: str = ""
    firmware: str = ""
    firmware_recommended: str = ""
    degraded: tuple[str, ...] = ()


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
