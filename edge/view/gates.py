"""The gates that a frame must pass before it is looked at, as one table, and the refusal that a gate gives.

A gate compares one measured value with its limits. The order of the table is the order of judging: the first
gate that fails names the refusal, so that a child who is too near is told so and not that half of it is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Reason:
    """What is wrong and what the person at the kiosk can do about it."""

    what: str
    advice: str


REASONS: Final[dict[str, Reason]] = {
    "no_subject": Reason("nobody stands before the camera", "Stand on the mark with the back to the camera."),
    "two_subjects": Reason("more than one person is in view", "Only one person may stand before the camera."),
    "not_a_back": Reason("what stands before the camera is not a back", "Stand upright, the bare back to the camera."),
    "too_close": Reason("the subject is too close to the camera", "Step away from the camera, on to the mark."),
    "too_far": Reason("the subject is too far from the camera", "Step back towards the camera, on to the mark."),
    "not_centred": Reason("the subject stands beside the middle of the view", "Step sideways, on to the mark."),
    "partial": Reason("the trunk is not wholly in view", "Stand on the mark; uncover shoulders to waist."),
    "turned": Reason("the subject is turned", "Turn the back squarely to the camera."),
    "tilted": Reason("the camera or the trunk is tilted", "Stand upright; if it persists, check the camera's mount."),
    "clothed": Reason("the back seems to be covered", "Take off what covers the back above the waistband."),
    "moving": Reason("the subject moves", "Stand still and breathe calmly."),
    "missing_depth": Reason(
        "the depth image has too few readings", "Clean the lens, keep sunlight off, check the camera's projector."
    ),
    "stale_frame": Reason("the camera repeated an old frame", "Check the camera's USB cable and power."),
}


@dataclass(frozen=True)
class Gate:
    """One measured quantity, the reason it refuses with, and the limits that it must lie in (inclusive)."""

    quantity: str
    unit: str
    reason: str
    low: float
    high: float
    why: str

    def expected(self) -> str:
        """The limits as a person reads them."""
        unit = f" {self.unit}" if self.unit else ""
        if math.isinf(self.high):
            return f"at least {self.low:g}{unit}"
        if math.isinf(self.low):
            return f"at most {self.high:g}{unit}"
        return f"{self.low:g} to {self.high:g}{unit}"

    def passes(self, value: float) -> bool:
        """Whether ``value`` lies within the limits; a value that is not a number does not."""
        return self.low <= value <= self.high


_INF: Final = math.inf
GATES: Final = (
    Gate("frames_advanced", "frames", "stale_frame", 1, _INF, "number and both clocks must move on"),
    Gate("valid_share", "of the pixels", "missing_depth", 0.005, 1,
         "a whole back at 1.7 m is still 2 % of a wide view"),
    Gate("subject_area_m2", "m2", "no_subject", 0.04, _INF, "half the back of a small ten-year-old"),
    Gate("other_subjects", "people", "two_subjects", 0, 0, "the kiosk measures one person at a time"),
    Gate("distance_m", "m", "too_close", 0.7, _INF, "nearer, shoulders and waist leave a 55 degree wide view"),
    Gate("distance_m", "m", "too_far", 0, 1.7, "stereo noise grows with the square: 6 mm rms at 1.7 m (D455)"),
    Gate("camera_pitch_deg", "deg", "tilted", -25, 25, "steeper, the shoulders hide what lies below them"),
    Gate("camera_roll_deg", "deg", "tilted", -25, 25, "beyond it the mount has slipped"),
    Gate("cut_mm", "mm", "partial", 0, 30, "trunk outline lost at the image border"),
    Gate("visible_height_mm", "mm", "partial", 380, _INF, "shoulder line to the upper lumbar spine of an adolescent"),
    Gate("offset_mm", "mm", "not_centred", -150, 150, "the far flank is hidden when seen from the side"),
    Gate("trunk_lean_deg", "deg", "tilted", -25, 25, "standing backs lean by -15 to 5 deg; a forward bend is over 60"),
    Gate("trunk_list_deg", "deg", "tilted", -18, 18, "waist to neck; scoliosis measures up to 4, simulated up to 14"),
    Gate("yaw_deg", "deg", "turned", -20, 20, "beyond it one flank is hidden from the camera"),
    Gate("shoulder_width_mm", "mm", "not_a_back", 220, 650, "biacromial breadth at 10 y 290; with arms beside 560"),
    Gate("waist_width_mm", "mm", "not_a_back", 140, 480, "waist breadth at 10 y 200; obese adults 420"),
    Gate("waist_to_shoulder", "", "not_a_back", 0.35, 1.2, "0.45-0.85 measured, with and without hanging arms"),
    Gate("convexity_mm", "mm", "not_a_back", 3, 120, "the flanks lie deeper than the middle; a board is flat"),
    Gate("missing_share", "of the trunk", "missing_depth", 0, 0.35, "beyond it the surface is mostly guessed"),
    Gate("fold_mm", "mm", "clothed", 0, 3.0, "bare adolescent backs measure 0.8-1.7; loose cloth 3.5 and more"),
    Gate("depth_change_mm", "mm", "moving", -8, 8, "quiet breathing moves the back by 1-4 mm"),
    Gate("shift_mm", "mm", "moving", 0, 15, "quiet sway between two frames is below 5 mm"),
)
"""Every gate, in the order of judging. ``why`` is the reason or the source of the limits."""


@dataclass(frozen=True)
class Refusal:
    """A frame that is not measured: the reason's key in ``REASONS``, and expected against found."""

    reason: str
    what: str
    expected: str
    found: str

    @property
    def advice(self) -> str:
        """The sentence that tells the person what to do."""
        return REASONS[self.reason].advice

    def line(self) -> str:
        """The one line that is logged and shown."""
        return f"{self.reason}: {self.what}; expected {self.expected}, found {self.found}; {self.advice}"


def refuse(reason: str, expected: str, found: str) -> Refusal:
    """A refusal with the wording of ``REASONS``."""
    return Refusal(reason, REASONS[reason].what, expected, found)


def judge(measured: Mapping[str, float]) -> Refusal | None:
    """The first gate, in the table's order, that a measured value fails; quantities not measured are passed over."""
    for gate in gates_for(measured):
        value = float(measured[gate.quantity])
        if not gate.passes(value):
            unit = f" {gate.unit}" if gate.unit else ""
            return refuse(gate.reason, f"{gate.quantity} {gate.expected()}", f"{value:.3g}{unit}")
    return None


def gates_for(measured: Mapping[str, float]) -> Iterator[Gate]:
    """The gates whose quantity was measured, in the table's order."""
    return (gate for gate in GATES if gate.quantity in measured)
