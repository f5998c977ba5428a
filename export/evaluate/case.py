"""What was made of one subject, beside what is true of it: the row that every table, plot and fit starts from."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Triple = tuple[float, float, float]
Endplates = list[list[Triple]]


class Case(BaseModel):
    """One subject. Degrees by angle name, millimetres in the body frame of the scan; what is not known is absent.

    sd_deg: the model's own doubt, median over the frames. repeatability_deg: standard deviation between the frames.
    interval_deg: the device's interval. tier_interval_deg: the one that it would give, were it calibrated on the
    subject's own realism tier. surface_deg: kyphosis and lordosis of the skin line. features: of the skin,
    for predictors that are no network (``export.evaluate.skin_features``). film, plain_film: agreement of the bundle's
    and of the plain U-Net's radiograph. reread_deg: angles read off the synthetic radiograph. others_deg: further
    predictors, by name. repeats_deg: angles of repeated scans. quality: what the device knows of the view, by name.
    refusal: why there is no result ("" where there is one).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    true_deg: dict[str, float]
    about: dict[str, str | float] = Field(default_factory=dict)
    refusal: str = ""
    accepted_frames: int = 0
    rejected_frames: int = 0
    predicted_deg: dict[str, float] = Field(default_factory=dict)
    sd_deg: dict[str, float] = Field(default_factory=dict)
    repeatability_deg: dict[str, float] = Field(default_factory=dict)
    interval_deg: dict[str, tuple[float, float]] = Field(default_factory=dict)
    tier_interval_deg: dict[str, tuple[float, float]] = Field(default_factory=dict)
    surface_deg: tuple[float, float] | None = None
    features: list[float] | None = None
    quality: dict[str, float] = Field(default_factory=dict)
    endplates_mm: Endplates | None = None
    true_endplates_mm: Endplates | None = None
    true_line_mm: list[Triple] | None = None
    film: dict[str, float] = Field(default_factory=dict)
    plain_film: dict[str, float] = Field(default_factory=dict)
    reread_deg: dict[str, float] = Field(default_factory=dict)
    others_deg: dict[str, dict[str, float]] = Field(default_factory=dict)
    repeats_deg: dict[str, list[Annotated[float, Field(allow_inf_nan=False)]]] = Field(default_factory=dict)

    @property
    def answered(self) -> bool:
        """Whether there is a result."""
        return not self.refusal


def points(rows: Endplates | list[Triple] | None) -> NDArray[np.float64] | None:
    """A case's positions as an array, mm."""
    return None if rows is None else np.array(rows, np.float64)
