"""``result.json``, version 1.0: the pydantic models that write it and from which its JSON Schema is generated.

Every number is finite: a result with NaN in it cannot be built. Optional numbers are null.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from edge.anatomy import ANGLE_NAMES, ENDPLATE_POINTS, ENDPLATES
from edge.measure.intervals import COVERAGE
from edge.result.identity import SCAN_ID

SCHEMA_VERSION: Final = "1.0"
NOTICE: Final = (
    "SYNTHETIC - NOT FOR DIAGNOSTIC USE. No X-ray was taken: image and angles are estimated from a depth view of the "
    "back. Not a medical device."
)
ENDPLATE_KEYS: Final = tuple(f"{level}_{side}" for level, side in ENDPLATES)
"""Keys of ``landmarks_mm``, cranial to caudal, e.g. ``"T4_superior"``."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Vertebra = Annotated[str, Field(pattern="^(T([1-9]|1[0-2])|L[1-5])$")]
Repeatability = Annotated[
    float | None,
    Field(ge=0, description="Standard deviation between the accepted frames; null where only one was accepted."),
]
Point = tuple[float, float, float]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=(),
        json_schema_serialization_defaults_required=True,
    )


class Model(_Model):
    """The model bundle that made the result."""

    name: str
    version: str
    sha256: Sha256 = Field(description="Of the bundle's manifest, which holds the hashes of its files.")
    precision: str
    runtime: str
    trained_on: str


class Angle(_Model):
    """A sagittal angle with its interval."""

    value_deg: float = Field(description="Median over the accepted frames.")
    low_deg: float = Field(description=f"Lower end of the interval of nominally {COVERAGE:.0%} coverage.")
    high_deg: float
    repeatability_deg: Repeatability
    levels: str = Field(description='Endplates between which it is measured, e.g. "T4 superior - T12 inferior".')


class Cobb(_Model):
    """The major coronal curve."""

    value_deg: float = Field(ge=0)
    low_deg: float = Field(ge=0)
    high_deg: float = Field(ge=0)
    repeatability_deg: Repeatability
    upper_end_vertebra: Vertebra
    lower_end_vertebra: Vertebra
    apex_vertebra: Vertebra
    convex_side: Literal["left", "right"] = Field(description="The subject's side.")


class Coronal(_Model):
    """Angles in the coronal plane."""

    cobb_major: Cobb


class EndplateLandmarks(_Model):
    """Rim points of one endplate: x anterior, y up, z to the subject's right, mm, in the radiograph's frame."""

    anterior: Point
    posterior: Point
    left: Point
    right: Point


class Quality(_Model):
    """How many frames the result rests on, why others were refused, and what the gates measured."""

    accepted_frames: int = Field(ge=1)
    rejected_frames: Count
    refusals: dict[str, Count] = Field(description="Reason -> number of frames; sums to rejected_frames.")
    gates: dict[str, float] = Field(description="Median over the accepted frames of each measured gate value.")
    repeat: tuple[str, ...] = Field(
        default=(), description="Angles whose interval is too wide to be of use: the scan should be repeated. Empty "
        "where it is good."
    )
    reread_deg: dict[str, float] = Field(
        default_factory=dict, description="Angles read back off the frames' radiographs, fused as the measured ones "
        "are; empty without a reader."
    )
    contradicted: tuple[str, ...] = Field(
        default=(), description="Angles that the radiographs show otherwise, by more than 4 degrees: there the picture "
        "is not to be trusted."
    )


class RadiographFile(_Model):
    """The synthetic lateral radiograph beside this file. Anterior is on the left."""

    file: str
    sha256: Sha256
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    mm_per_px: float = Field(gt=0)


class Result(_Model):
    """One scan of one subject."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    scan_id: str = Field(pattern=SCAN_ID, description="Sorts by the time of the scan, UTC.")
    device_id: str
    subject_ref: str | None = Field(description="Opaque reference that the operator gave; never a name.")
    captured_at: str = Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", description="First accepted frame; RFC 3339, UTC."
    )
    clock_synced: bool = Field(description="Whether the device's clock was synchronised when the result was made.")
    model: Model
    angles: dict[str, Angle] = Field(description=f"Exactly: {', '.join(ANGLE_NAMES)}.")
    coronal: Coronal
    landmarks_mm: dict[str, EndplateLandmarks] = Field(
        description=f"Median over the accepted frames; {len(ENDPLATES)} endplates, {ENDPLATE_KEYS[0]} to S1_superior."
    )
    quality: Quality
    radiograph: RadiographFile
    timing_ms: dict[str, float] = Field(description="Median per frame and step; total_scan for the whole scan.")
    notice: str = NOTICE

    @field_validator("angles")
    @classmethod
    def _exactly_the_named_angles(cls, angles: dict[str, Angle]) -> dict[str, Angle]:
        if tuple(angles) != ANGLE_NAMES:
            raise ValueError(f"must be exactly, and in this order, {', '.join(ANGLE_NAMES)}")
        return angles

    @field_validator("landmarks_mm")
    @classmethod
    def _exactly_the_endplates(cls, landmarks: dict[str, EndplateLandmarks]) -> dict[str, EndplateLandmarks]:
        if tuple(landmarks) != ENDPLATE_KEYS:
            raise ValueError("must be exactly, and in this order, the 37 endplates of edge.anatomy.ENDPLATES")
        return landmarks

    @field_validator("quality")
    @classmethod
    def _every_rejected_frame_has_a_reason(cls, quality: Quality) -> Quality:
        if sum(quality.refusals.values()) != quality.rejected_frames:
            raise ValueError("refusals must add up to rejected_frames")
        return quality

    def to_json(self) -> str:
        """Indented JSON text with a final newline."""
        return self.model_dump_json(indent=2) + "\n"


if tuple(EndplateLandmarks.model_fields) != ENDPLATE_POINTS:  # the order of the arrays that fill it
    raise RuntimeError("EndplateLandmarks must list edge.anatomy.ENDPLATE_POINTS in order")
