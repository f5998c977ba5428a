"""Errors of one predictor of one angle over many subjects, with bootstrap confidence intervals."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES: Final = 1000
CONFIDENCE: Final = (2.5, 97.5)
"""Percentiles of the bootstrap's distribution that bound a 95 % confidence interval."""
LOA_SDS: Final = 1.96
"""Limits of agreement: bias +- 1.96 SD of the error (Bland and Altman, Lancet 1986)."""


@dataclass(frozen=True)
class Score:
    """Degrees unless said otherwise; NaN where a value does not exist (one subject, or a constant predictor).

    mae_deg, bias_deg (mean error), sd_deg (of the error), p95_deg (95th percentile of the absolute error), low_deg and
    high_deg (limits of agreement), r (Pearson), icc (ICC(2,1): two-way random effects, absolute agreement, single
    measure; Shrout and Fleiss 1979). ci: 95 % bootstrap interval by field name.
    """

    subjects: int
    mae_deg: float
    bias_deg: float
    sd_deg: float
    r: float
    p95_deg: float = float("nan")
    icc: float = float("nan")
    low_deg: float = float("nan")
    high_deg: float = float("nan")
    ci: dict[str, tuple[float, float]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Fields by name; what does not exist is None."""
        values = asdict(self)
        ci = values.pop("ci")
        return {name: (v if np.isfinite(v) else None) for name, v in values.items()} | (
            {"ci95": {name: list(bounds) for name, bounds in ci.items()}} if ci else {}
        )


def score(predicted_deg: ArrayLike, true_deg: ArrayLike, resamples: int = 0, seed: int = 0) -> Score | None:
    """Score (N,) predictions against (N,) truths, pairs with a NaN left out; None where no pair is left.

    Args:
        resamples: bootstrap resamples of the subjects for confidence intervals; 0 leaves them out.
    """
    predicted, true = np.asarray(predicted_deg, np.float64), np.asarray(true_deg, np.float64)
    known = np.isfinite(predicted) & np.isfinite(true)
    predicted, true = predicted[known], true[known]
    n = len(true)
    if not n:
        return None
    whole = {name: float(value[0]) for name, value in _statistics(predicted[None], true[None]).items()}
    bounds: dict[str, tuple[float, float]] = {}
    if resamples and n > 2:
        rng = np.random.default_rng(seed)
        pick = rng.integers(0, n, (resamples, n))
        for name, values in _statistics(predicted[pick], true[pick]).items():
            finite = values[np.isfinite(values)]
            if len(finite):
                low, high = np.percentile(finite, CONFIDENCE)
                bounds[name] = (float(low), float(high))
    return Score(subjects=n, ci=bounds, **whole)


def mae_ratio_ci(model_deg: ArrayLike, other_deg: ArrayLike, true_deg: ArrayLike, resamples: int = RESAMPLES,
                 seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of one predictor's mean absolute error over another's, on the same subjects."""
    model, other, true = (np.asarray(v, np.float64) for v in (model_deg, other_deg, true_deg))
    known = np.isfinite(model) & np.isfinite(other) & np.isfinite(true)
    if known.sum() < 3:
        return float("nan"), float("nan")
    first, second = np.abs(model - true)[known], np.abs(other - true)[known]
    pick = np.random.default_rng(seed).integers(0, len(first), (resamples, len(first)))
    ratio = first[pick].mean(axis=1) / np.maximum(second[pick].mean(axis=1), 1e-9)
    low, high = np.percentile(ratio, CONFIDENCE)
    return float(low), float(high)


def icc_2_1(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B,) ICC(2,1) of (B, N) pairs of readings: absolute agreement of two raters (Shrout and Fleiss 1979)."""
    n = predicted.shape[1]
    if n < 2:
        return np.full(len(predicted), np.nan)
    both = np.stack([predicted, true], axis=2)
    grand = both.mean(axis=(1, 2), keepdims=True)
    subjects, raters = both.mean(axis=2, keepdims=True), both.mean(axis=1, keepdims=True)
    between = 2 * ((subjects - grand) ** 2).sum(axis=(1, 2)) / (n - 1)
    rater = n * ((raters - grand) ** 2).sum(axis=(1, 2))
    residual = ((both - subjects - raters + grand) ** 2).sum(axis=(1, 2)) / (n - 1)
    below = between + residual + 2.0 / n * (rater - residual)
    return np.asarray(np.divide(between - residual, below, out=np.full(len(below), np.nan), where=below > 1e-12))


def _statistics(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Every field of ``Score`` for (B, N) resamples, (B,) each."""
    error = predicted - true
    n = error.shape[1]
    bias = error.mean(axis=1)
    sd = error.std(axis=1, ddof=1) if n > 1 else np.full(len(error), np.nan)
    x, y = predicted - predicted.mean(axis=1, keepdims=True), true - true.mean(axis=1, keepdims=True)
    below = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    follows = (np.ptp(predicted, axis=1) > 1e-9) & (np.ptp(true, axis=1) > 1e-9)
    r = np.divide((x * y).sum(axis=1), below, out=np.full(len(error), np.nan), where=follows & (below > 0))
    return {
        "mae_deg": np.abs(error).mean(axis=1), "bias_deg": bias, "sd_deg": sd, "r": r,
        "p95_deg": np.percentile(np.abs(error), 95, axis=1), "icc": np.where(follows, icc_2_1(predicted, true), np.nan),
        "low_deg": bias - LOA_SDS * sd, "high_deg": bias + LOA_SDS * sd,
    }
