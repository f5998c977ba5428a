"""The camera's part of the configuration: which one, how it is set, and how much patience it is given.

Defaults are those of the kiosk: a D435i or D455, mounted upright about 1.2 m behind the subject.
"""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from edge.camera.rehearsal import parse_timetable
from edge.errors import UsageError

MOUNTS: Final[dict[str, tuple[float, float, float]]] = {
    "landscape": (0.0, 1.0, 0.0),
    "upside_down": (0.0, -1.0, 0.0),
    "upright_left_down": (-1.0, 0.0, 0.0),
    "upright_right_down": (1.0, 0.0, 0.0),
}
"""Where down is in the camera frame (x right, y down, z forward) for the four mounts; named by the picture's edge that
is at the bottom."""

Vector = tuple[float, float, float]
Seconds = Annotated[float, Field(gt=0, le=600)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FilterSettings(_Part):
    """librealsense's own post-processing, in the order of the fields (that of its documentation)."""

    decimation: Literal[1, 2, 3, 4] = Field(default=1, description="Shrink the depth image by this factor; 1 is off.")
    min_m: float = Field(default=0.3, ge=0, le=10, description="Nearer readings are dropped.")
    max_m: float = Field(default=4.0, gt=0, le=16, description="Farther readings are dropped.")
    spatial: bool = Field(default=True, description="Edge-preserving smoothing within one image, in disparity.")
    temporal: bool = Field(
        default=False, description="Smoothing over time, in disparity. Off: a scan wants frames that are independent."
    )
    hole_filling: bool = Field(
        default=False, description="Fill holes from their surroundings. Off: no depth is made up."
    )

    @model_validator(mode="after")
    def _near_before_far(self) -> FilterSettings:
        if self.min_m >= self.max_m:
            raise ValueError("min_m must be below max_m")
        return self


class CameraSettings(_Part):
    """Everything that the configuration says of the camera."""

    uri: str = Field(
        default="realsense:", min_length=1, description="realsense:[SERIAL], file:PATH[#loop] or demo[:loop]."
    )
    serial: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9]{0,32}$",
        description="Take this RealSense and no other; empty takes the only one.",
    )
    profile: Literal["1280x720", "848x480", "640x480"] = Field(
        default="1280x720", description="Best resolution to ask for; smaller ones are fallen back to."
    )
    preset: Literal["high_accuracy", "high_density", "medium_density", "default", "hand"] = Field(
        default="high_accuracy", description="Depth preset; high accuracy leaves a hole where the camera is not sure."
    )
    projector: bool = Field(default=True, description="Infrared pattern; bare skin has too little texture without it.")
    colour: bool = Field(default=True, description="Stream colour too. It is never stored or sent because of this.")
    gravity: Literal["auto", "landscape", "upside_down", "upright_left_down", "upright_right_down"] | Vector = Field(
        default="auto",
        description="Where down is: auto asks the accelerometer; or a mount, or a vector in the camera frame "
        "(x right, y down, z forward).",
    )
    filters: FilterSettings = FilterSettings()
    allow_usb2: bool = Field(default=True, description="Run degraded at USB 2 speed; false refuses such a connection.")

    open_deadline_s: Seconds = Field(
        default=20.0, description="Longest time from asking for the camera to its first frame."
    )
    frame_deadline_s: Seconds = Field(
        default=2.0, description="Longest time without a new frame before it counts as stalled."
    )
    stop_deadline_s: Seconds = Field(
        default=3.0, description="Longest wait for the camera to stop before it is left behind."
    )
    back_off_first_s: Seconds = Field(
        default=0.25, description="Wait after the first failure; doubles with each further one."
    )
    back_off_limit_s: Seconds = Field(default=1.0, description="Longest wait between two attempts.")
    reset_after: int = Field(
        default=3, ge=0, description="Hardware reset before every Nth attempt in a row; 0 is never."
    )
    give_up_after: int = Field(
        default=60,
        ge=0,
        description="Failures without a good frame between them after which the process exits for systemd; 0 is never.",
    )

    rehearse: str = Field(
        default="",
        max_length=2000,
        description="Timetable of faults to try the kiosk with, counted from its start: unplug@60+10,stale@120+5.",
    )

    @field_validator("rehearse")
    @classmethod
    def _timetable_is_readable(cls, text: str) -> str:
        try:
            parse_timetable(text)
        except UsageError as failure:
            raise ValueError(failure.line()) from None
        return text

    @field_validator("gravity")
    @classmethod
    def _gravity_has_a_direction(cls, gravity: str | Vector) -> str | Vector:
        if not isinstance(gravity, str) and math.hypot(*gravity) < 1e-6:
            raise ValueError("a gravity vector of length 0 points nowhere")
        return gravity

    @model_validator(mode="after")
    def _one_serial(self) -> CameraSettings:
        scheme, _, named = self.uri.partition(":")
        if scheme == "realsense" and named and self.serial and named != self.serial:
            raise ValueError(f"uri names camera {named}, serial names {self.serial}; give one")
        if self.back_off_first_s > self.back_off_limit_s:
            raise ValueError("back_off_first_s must not be above back_off_limit_s")
        return self

    @property
    def down(self) -> Vector | None:
        """Configured direction of down, camera frame, unit length; None asks the accelerometer."""
        if self.gravity == "auto":
            return None
        x, y, z = MOUNTS[self.gravity] if isinstance(self.gravity, str) else self.gravity
        length = math.hypot(x, y, z)
        return x / length, y / length, z / length
