"""What a RealSense is asked for, best first: resolution and rate, at USB 3 and at USB 2 speed.

1280x720 resolves 1.8 mm per pixel at 1.2 m, 848x480 2.7 mm (D435i); the back view works at 3 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Profile:
    """Depth and colour are streamed at the same size (pixels) and rate (frames per second)."""

    width: int
    height: int
    rate: int
    usb2: bool = False

    @property
    def size(self) -> str:
        """As the configuration names it."""
        return f"{self.width}x{self.height}"

    def __str__(self) -> str:
        return f"{self.size} at {self.rate} frames/s"


PROFILES: Final = (
    Profile(1280, 720, 30),
    Profile(1280, 720, 15),
    Profile(848, 480, 30),
    Profile(848, 480, 15),
    Profile(640, 480, 30),
    Profile(640, 480, 15, usb2=True),
    Profile(1280, 720, 6, usb2=True),
    Profile(480, 270, 15, usb2=True),
)
"""Which of them a camera offers depends on model, firmware and port: it is asked, from the first to the last."""


def candidates(wanted: str, slow: bool) -> tuple[Profile, ...]:
    """Profiles to try in turn: at USB 2 speed those that fit it, else from the size that is wanted downwards."""
    if slow:
        return tuple(profile for profile in PROFILES if profile.usb2)
    width = next(profile.width for profile in PROFILES if profile.size == wanted)
    return tuple(sorted((p for p in PROFILES if p.width <= width), key=lambda p: -p.width))


def configure(rs: Any, profile: Profile, serial: str, colour: bool, accel: bool) -> Any:
    """A pipeline configuration for the profile on the camera of this serial."""
    config = rs.config()
    config.enable_device(serial)
    config.enable_stream(rs.stream.depth, profile.width, profile.height, rs.format.z16, profile.rate)
    if colour:
        config.enable_stream(rs.stream.color, profile.width, profile.height, rs.format.rgb8, profile.rate)
    if accel:
        config.enable_stream(rs.stream.accel)
    return config
