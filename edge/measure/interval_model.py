"""How wide an interval must be, from what the device can see of the view: numbers fitted on validation subjects.

The half-width is exp(offset + weights . observed): a log-linear quantile of the error. Doubt of the model, spread
between the frames and the quality of the view all widen it. An interval may lean: a curve that a back hides is measured
too small, so there is more room above than below. The constants come with the bundle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.measure.intervals import Interval

Numbers = tuple[float, ...]

REPEATABILITY_FLOOR_DEG: Final = 0.3
"""Spread between frames below which a scan is as repeatable as it gets."""
HELD_SDS: Final = 3.0
"""An observation further out than this from those of calibration counts as if it were this far."""
DOUBT: Final = "log_sd"
SPREAD: Final = "log_repeatability"
VALUE: Final = "value"
COBB: Final = "cobb_major"


class IntervalModel(BaseModel):
    """Constants of every angle's interval.

    observed: names of what is looked at, of ``observations``; mean, sd: of each over the calibration subjects.
    weights: per angle, one per name. lean: per angle, share of the half-width by which the interval's middle lies above
    the measured value; 0 where it is not named. widest_deg: a wider half-width asks for another scan.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    observed: tuple[str, ...]
    mean: dict[str, Numbers]
    sd: dict[str, tuple[Annotated[float, Field(gt=0)], ...]]
    offset: dict[str, float]
    weights: dict[str, Numbers]
    lean: dict[str, Annotated[float, Field(gt=-1, lt=1)]] = {}
    widest_deg: dict[str, Annotated[float, Field(gt=0)]]
    calibrated_on: str = Field(description="Subjects, realism tier, frames per scan.")

    @model_validator(mode="after")
    def _sizes_fit(self) -> IntervalModel:
        names = set(self.offset)
        for table in (self.mean, self.sd, self.weights):
            if set(table) != names or any(len(row) != len(self.observed) for row in table.values()):
                raise ValueError("every angle needs one mean, sd and weight per observation")
        if set(self.widest_deg) != names:
            raise ValueError("every angle needs a widest half-width")
        if not names.issuperset(self.lean):
            raise ValueError("an angle without constants cannot lean")
        return self

    def half_width_deg(self, name: str, observed: Mapping[str, float]) -> float:
        """Half-width of the 90 % interval of an angle; what is not observed counts as usual.

        Args:
            observed: of ``observations``, by name.
        """
        total = self.offset[name]
        rows = zip(self.observed, self.mean[name], self.sd[name], self.weights[name], strict=True)
        for key, mean, sd, weight in rows:
            value = observed.get(key, mean)
            score = (value - mean) / sd if math.isfinite(value) else 0.0
            total += weight * min(max(score, -HELD_SDS), HELD_SDS)
        return math.exp(total)

    def interval(self, name: str, value_deg: float, half_width_deg: float, floor_deg: float = -math.inf) -> Interval:
        """The interval of a measured value: of ``half_width_deg``, leaning as this angle does.

        Args:
            floor_deg: lowest possible value of the quantity (0 for a Cobb angle).
        """
        middle = value_deg + self.lean.get(name, 0.0) * half_width_deg
        return Interval(max(middle - half_width_deg, floor_deg), max(middle + half_width_deg, floor_deg))


def observations(value_deg: float, sd_deg: float, repeatability_deg: float | None, cobb_deg: float,
                 gates: Mapping[str, float]) -> dict[str, float]:
    """What the device knows of an angle and of the view that it was measured on, by name."""
    known = {DOUBT: math.log(max(sd_deg, 1e-3)), VALUE: value_deg, COBB: cobb_deg, **gates}
    if repeatability_deg is not None:
        known[SPREAD] = math.log(math.hypot(repeatability_deg, REPEATABILITY_FLOOR_DEG))
    return known
