"""Errors of one predictor of one angle over many subjects."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Score:
    """Mean absolute error, mean error (bias), standard deviation of the error, all degrees, and Pearson's r.

    sd_deg and r are NaN where they do not exist: a single subject, or a predictor that says the same of everybody.
    """

    subjects: int
    mae_deg: float
    bias_deg: float
    sd_deg: float
    r: float

    def as_json(self) -> dict[str, float | int | None]:
        """Fields by name; what does not exist is None."""
        return {name: (value if np.isfinite(value) else None) for name, value in asdict(self).items()}


def score(predicted_deg: ArrayLike, true_deg: ArrayLike) -> Score | None:
    """Score (N,) predictions against (N,) truths, pairs with a NaN left out; None where no pair is left."""
    predicted, true = np.asarray(predicted_deg, np.float64), np.asarray(true_deg, np.float64)
    known = np.isfinite(predicted) & np.isfinite(true)
    predicted, true = predicted[known], true[known]
    if not len(true):
        return None
    error = predicted - true
    several = len(true) > 1
    follows = several and np.ptp(predicted) > 1e-9 and np.ptp(true) > 1e-9
    return Score(
        subjects=len(true),
        mae_deg=float(np.abs(error).mean()),
        bias_deg=float(error.mean()),
        sd_deg=float(error.std(ddof=1)) if several else float("nan"),
        r=float(np.corrcoef(predicted, true)[0, 1]) if follows else float("nan"),
    )
