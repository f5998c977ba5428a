"""The daemon's own part of the configuration: when it scans, what it shows live, and how it keeps cool."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ScanSettings(_Part):
    """When a scan begins and what it consists of."""

    auto: bool = Field(default=True, description="Scan by itself once the gates have held; false: only on command.")
    hold_s: float = Field(
        default=1.0, ge=0, le=30,
        description="How long the gates must hold before a scan begins; a lone refused frame does not count.",
    )
    frames: int = Field(default=12, ge=1, le=200, description="Good frames that are fused into one result.")
    over_s: float = Field(default=6.0, gt=0, le=60, description="Longest time that a scan may take.")
    spacing_s: float = Field(
        default=0.25, ge=0, le=10, description="Time between two frames of a scan, so that a breath averages out."
    )
    left_s: float = Field(default=1.0, ge=0, le=30, description="Nobody in view for so long has left.")
    repeat_after_s: float | None = Field(
        default=None, gt=0, le=86400,
        description="Scan the same subject again after so long; none: only after the view was empty.",
    )
    shown_s: float = Field(
        default=60.0, ge=0, le=86400,
        description="A result leaves the screen so long after its subject, or when the next one comes.",
    )
    request_s: float = Field(
        default=120.0, gt=0, le=3600, description="A commanded scan is given up when it has not begun after so long."
    )

    @model_validator(mode="after")
    def _frames_fit(self) -> ScanSettings:
        if (self.frames - 1) * self.spacing_s > self.over_s:
            raise ValueError(f"{self.frames} frames {self.spacing_s:g} s apart last longer than over_s")
        return self


class LiveSettings(_Part):
    """Live mode: a radiograph and angles for every frame, shown on this machine and never stored."""

    enabled: bool = Field(default=False, description="Begin in live mode; the command `live` switches it too.")
    max_hz: float = Field(default=30.0, gt=0, le=120, description="Frames looked at per second, at most.")


class ThermalSettings(_Part):
    """How the daemon stays below the temperature at which the SoC would throttle."""

    zones: tuple[str, ...] = Field(
        default=("tj-thermal", "gpu-thermal", "cpu-thermal", "soc0-thermal", "x86_pkg_temp"),
        description="Thermal zones that count, by the name in sysfs; what a machine lacks is passed over.",
    )
    slow_at_c: float | None = Field(
        default=None, ge=30, le=110,
        description="Lower the rate from here on; none: margin_c below the zone's passive trip point, or 85.",
    )
    margin_c: float = Field(default=8.0, ge=1, le=40, description="Distance kept from the zone's passive trip point.")
    hysteresis_c: float = Field(default=5.0, ge=0.5, le=30, description="Raise the rate again so far below slow_at_c.")
    pause_above_c: float = Field(
        default=6.0, ge=1, le=40, description="So far above slow_at_c no scan begins until it has cooled."
    )
    step_s: float = Field(default=5.0, ge=0.5, le=300, description="Time between two changes of the rate.")
