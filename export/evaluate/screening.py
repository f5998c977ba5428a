"""How well a curve angle finds those who have a curve: sensitivity, specificity and ROC at clinical thresholds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

THRESHOLDS_DEG: Final = (10.0, 20.0)
"""Scoliosis by definition, and the curve from which school screening refers (Hong Kong programme)."""


@dataclass(frozen=True)
class Screening:
    """Those at or above ``threshold_deg`` found by the same threshold on the measured angle.

    area: under the ROC curve (probability that one with a curve is ranked above one without). best_cut_deg: the
    measured angle with the largest sum of sensitivity and specificity (Youden). NaN where nobody is on one side.
    """

    threshold_deg: float
    with_curve: int
    without: int
    sensitivity: float
    specificity: float
    area: float
    best_cut_deg: float
    best_sensitivity: float
    best_specificity: float

    def as_json(self) -> dict[str, Any]:
        """Fields by name; what does not exist is None."""
        return {name: (value if np.isfinite(value) else None) for name, value in asdict(self).items()}


def roc(measured_deg: ArrayLike, has_curve: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """(false positive share, true positive share, cut) over all cuts, from the strictest to the most lenient."""
    measured, positive = np.asarray(measured_deg, np.float64), np.asarray(has_curve, bool)
    order = np.argsort(-measured, kind="stable")
    measured, positive = measured[order], positive[order]
    last = np.append(np.diff(measured) != 0, True)  # equal values cannot be told apart by a cut
    true_share = np.cumsum(positive)[last] / max(int(positive.sum()), 1)
    false_share = np.cumsum(~positive)[last] / max(int((~positive).sum()), 1)
    return (np.append(0.0, false_share), np.append(0.0, true_share), np.append(np.inf, measured[last]))


def screening(measured_deg: ArrayLike, true_deg: ArrayLike, threshold_deg: float) -> Screening:
    """Screen (N,) subjects at a threshold; pairs with a NaN are left out."""
    measured, true = np.asarray(measured_deg, np.float64), np.asarray(true_deg, np.float64)
    known = np.isfinite(measured) & np.isfinite(true)
    measured, true = measured[known], true[known]
    has = true >= threshold_deg
    found = measured >= threshold_deg
    if not has.any() or has.all():
        nan = float("nan")
        return Screening(threshold_deg, int(has.sum()), int((~has).sum()), nan, nan, nan, nan, nan, nan)
    false_share, true_share, cut = roc(measured, has)
    best = int(np.argmax(true_share - false_share))
    return Screening(
        threshold_deg, int(has.sum()), int((~has).sum()), float(found[has].mean()), float((~found[~has]).mean()),
        float(np.sum(np.diff(false_share) * (true_share[1:] + true_share[:-1]) / 2)),
        float(cut[best]), float(true_share[best]), float(1 - false_share[best]),
    )
