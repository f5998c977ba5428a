"""How sure a number is: its interval, and whether the two independent readings of the same curve agree.

The model predicts a standard deviation per angle; a conformal factor from the bundle's manifest stretches it so that
the interval holds the true value with the stated coverage on the bundle's calibration subjects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

COVERAGE: Final = 0.90
"""Nominal coverage of every interval that a result carries."""
NORMAL_90: Final = 1.6448536269514722
"""Half-width of a central 90 % interval of the standard normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Interval:
    """Lower and upper end, degrees."""

    low_deg: float
    high_deg: float


def interval(value_deg: float, sd_deg: float, scale: float, repeatability_deg: float = 0.0,
             floor_deg: float = -math.inf) -> Interval:
    """Interval of nominally 90 % around a measured angle.

    The half-width is ``scale * sd_deg`` (model and subject) combined in quadrature with 1.645 times the standard
    deviation between the frames of the scan (sensor and sway).

    Args:
        value_deg: the angle. sd_deg: standard deviation that the model predicts for it.
        scale: conformal factor of this angle from the bundle's manifest, for 90 % coverage.
        repeatability_deg: standard deviation between accepted frames; 0 for a single frame.
        floor_deg: lowest possible value of the quantity (0 for a Cobb angle).

    Raises:
        ValueError: an argument is not finite or a spread is negative.
    """
    if not all(map(math.isfinite, (value_deg, sd_deg, scale, repeatability_deg))):
        raise ValueError("an interval needs finite numbers")
    if sd_deg < 0 or scale < 0 or repeatability_deg < 0:
        raise ValueError("a spread cannot be negative")
    half = math.hypot(scale * sd_deg, NORMAL_90 * repeatability_deg)
    return Interval(max(value_deg - half, floor_deg), value_deg + half)


@dataclass(frozen=True)
class Agreement:
    """Two readings of one curve: endplates against the line through the vertebral centres.

    The centreline angle is not the endplate angle: ``offset_deg`` is its usual surplus (centreline - endplate) and
    ``limit_deg`` how far a spine may depart from that before its landmarks are held to contradict each other.
    """

    centreline: str
    endplate: str
    offset_deg: float
    limit_deg: float


AGREEMENTS: Final = (
    Agreement("centreline_kyphosis", "thoracic_kyphosis_t4_t12", 7.0, 25.0),
    Agreement("centreline_lordosis", "lumbar_lordosis_l1_l5", -9.0, 30.0),
)
"""Offsets: means over 300 phantom subjects of both tiers, whose spread is SD 4.6 and 6.5 deg, extremes 14 and 22;
the limits are beyond any of them, so that only landmarks that no spine has are caught."""


def disagreements(angles_deg: Mapping[str, float], table: tuple[Agreement, ...] = AGREEMENTS) -> dict[str, float]:
    """The curves whose two readings contradict each other.

    Args:
        angles_deg: by name, as ``edge.measure.angles.sagittal_angles`` returns them.

    Returns:
        name of the centreline angle -> departure from the usual difference, degrees; empty where all agree.
    """
    departures = {
        row.centreline: angles_deg[row.centreline] - angles_deg[row.endplate] - row.offset_deg for row in table
    }
    return {row.centreline: departures[row.centreline] for row in table
            if abs(departures[row.centreline]) > row.limit_deg}
