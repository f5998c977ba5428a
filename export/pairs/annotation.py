"""What a person marks on a pair: endplate corners on the radiograph, and points that both pictures show.

``endplates.json`` ties the two pictures together without any calibration of the X-ray room. Film frame: pixel
(column, row), centres at integers, becomes x = column * spacing (negated where the subject faces left), y = -row *
spacing, so x points forwards and y up, in millimetres at the patient. A *marker* is one point seen in both
pictures, best a bead on the skin over C7 and another between the dimples of the pelvis: the mean difference over the
markers moves the film frame into the body frame. Nothing is rotated or scaled: both pictures are upright.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from edge.anatomy import ENDPLATES
from edge.errors import RecordingError

SCHEMA: Final = "latx-pair/1"
FORMAT: Final = "latx-export pairs -h tells the format"
ENDPLATE_NAMES: Final = tuple(" ".join(endplate) for endplate in ENDPLATES)

Pixel = tuple[float, float]
Point = tuple[float, float, float]
EndplateName = Annotated[str, Field(json_schema_extra={"enum": list(ENDPLATE_NAMES)})]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Marker(_Model):
    """One point that both pictures show. Exactly one of ``camera_px`` and ``camera_mm`` is given."""

    name: str = Field(min_length=1, description="What is marked, e.g. C7.")
    radiograph_px: Pixel = Field(description="(column, row) on the radiograph.")
    camera_px: Pixel | None = Field(default=None, description="(column, row) in the aligned depth and colour image.")
    camera_mm: Point | None = Field(default=None, description="Camera frame (x right, y down, z forward), mm.")
    z_mm: float = Field(default=0.0, description="z of the marker in the frame of endplates_mm.")

    @pydantic.model_validator(mode="after")
    def _one_place_in_the_photograph(self) -> Marker:
        if (self.camera_px is None) == (self.camera_mm is None):
            raise ValueError("give exactly one of camera_px and camera_mm")
        return self


class Corners(_Model):
    """The two ends of an endplate on a lateral radiograph, (column, row)."""

    anterior: Pixel
    posterior: Pixel


class Rim(_Model):
    """The four rim points of an endplate in three dimensions, as biplanar radiographs give them."""

    anterior: Point
    posterior: Point
    left: Point
    right: Point


class Annotation(_Model):
    """``endplates.json``.

    endplates_px and endplates_mm are by endplate, e.g. "T4 superior" (levels C7, T1-T12, L1-L5, S1 superior alone);
    what cannot be seen is left out. endplates_mm is in the film frame, with z to the subject's right, in the frame of
    the markers' z_mm; it overrides endplates_px.
    """

    schema_version: Literal["latx-pair/1"]
    mm_per_px: float | None = Field(default=None, gt=0, lt=10, description="At the patient; overrides a DICOM's own.")
    anterior: Literal["left", "right"] = Field(default="left", description="To which side the subject faces.")
    inverted: bool = Field(default=False, description="The picture shows bone dark (of a PNG; a DICOM tells itself).")
    log_attenuation_per_step: float | None = Field(
        default=None, gt=0, description="-ln(I/I0) per pixel value, where the picture is calibrated."
    )
    markers: list[Marker] = Field(min_length=1)
    endplates_px: dict[EndplateName, Corners] = Field(default_factory=dict)
    endplates_mm: dict[EndplateName, Rim] = Field(default_factory=dict)

    @pydantic.model_validator(mode="after")
    def _known_endplates(self) -> Annotation:
        unknown = sorted((set(self.endplates_px) | set(self.endplates_mm)) - set(ENDPLATE_NAMES))
        if unknown:
            raise ValueError(f"unknown endplates {', '.join(unknown)}; such as {ENDPLATE_NAMES[0]}")
        return self


class CameraFile(_Model):
    """``intrinsics.json``: pinhole intrinsics of depth.png (and colour.jpg), pixels, and how the camera stood."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    fx: float = Field(gt=0)
    fy: float = Field(gt=0)
    cx: float
    cy: float
    depth_unit_m: float = Field(default=0.001, gt=0, description="Metres per count of depth.png.")
    gravity: Point = Field(default=(0.0, 1.0, 0.0), description="Pointing down, camera frame.")


Kind = TypeVar("Kind", bound=BaseModel)


def read_json(path: Path, kind: type[Kind]) -> Kind:
    """The JSON file at ``path`` as a ``kind``.

    Raises:
        RecordingError: missing, no JSON, or a field that does not fit (named).
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RecordingError("a file of the pair is missing", where=str(path), expected=path.name,
                             found=error.strerror or "nothing", mend=FORMAT) from error
    except pydantic.ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecordingError(f"{path.name} does not fit", where=f"{path}:{place}", expected="the format of pairs",
                             found=first["msg"], mend=FORMAT) from error
