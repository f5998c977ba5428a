"""Fits the constants of an interval model on validation subjects that went through the device's whole path.

A linear 90 % quantile of log |error| on what the device can observe; a ridge keeps weights that say little near zero; a
conformal step on either side makes the coverage exact on subjects that the fit did not see (Romano et al., NeurIPS
2019). How many of the misses lie above and how many below is chosen so that small, middle and large true angles are
held alike: a large curve is found too small, and with as many misses on either side it would be missed twice as often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingDependencyError, UsageError
from edge.measure.interval_model import COBB, DOUBT, SPREAD, VALUE, IntervalModel, observations
from edge.measure.intervals import COVERAGE
from edge.runtime.manifest import INTERVAL_NAMES
from export.evaluate.case import Case

Values = NDArray[np.float64]

OBSERVED: Final = (DOUBT, SPREAD, VALUE, COBB, "distance_m", "missing_share", "fold_mm", "convexity_mm",
                   "waist_width_mm", "waist_to_shoulder")
"""What widths may depend on: the model's doubt, spread between frames, the angle, the curve, view and build."""
PENALTY: Final = 0.02
"""L1 penalty of scikit-learn's quantile regression, on standardised observations."""
FOLDS: Final = 8
"""Two left half of the subjects to fit the slopes on: intervals some 5 % too wide, which held 92 to 93 %."""
MIN_SUBJECTS: Final = 100
SMALLEST_DEG: Final = 0.05
MISSED_ABOVE: Final = tuple(k / 20 for k in range(4, 17))
"""Shares of all misses that may lie above the interval; a half where they do not differ."""
WIDEST_QUANTILE: Final = 0.99
"""A scan whose interval is wider than those of 99 in 100 calibration subjects is to be repeated."""
WIDEST_MARGIN: Final = 1.1


def fit_interval_model(cases: Sequence[Case], calibrated_on: str, coverage: float = COVERAGE) -> IntervalModel:
    """Constants for every angle, from cases with a result.

    Raises:
        UsageError: fewer than ``MIN_SUBJECTS``. MissingDependencyError: scikit-learn is not installed.
    """
    if len(cases) < MIN_SUBJECTS:
        raise UsageError("too few subjects to calibrate intervals on", expected=f"{MIN_SUBJECTS} or more",
                         found=str(len(cases)), mend="ask for more with --subjects")
    mean: dict[str, tuple[float, ...]] = {}
    sd: dict[str, tuple[float, ...]] = {}
    weights: dict[str, tuple[float, ...]] = {}
    offset: dict[str, float] = {}
    lean: dict[str, float] = {}
    widest: dict[str, float] = {}
    for name in INTERVAL_NAMES:
        x = np.array([_observed(case, name) for case in cases])
        above = np.array([case.true_deg[name] - case.predicted_deg[name] for case in cases])
        target = np.log(np.maximum(np.abs(above), SMALLEST_DEG))
        known = np.isfinite(x)
        number = np.maximum(known.sum(axis=0), 1)
        middle = np.asarray(np.where(known, x, 0.0).sum(axis=0) / number)
        spread = np.sqrt(np.where(known, (x - middle) ** 2, 0.0).sum(axis=0) / number)
        spread = np.where(spread > 1e-6, spread, 1.0)  # what never varies, or is never seen, says nothing
        scores = np.clip(np.nan_to_num((x - middle) / spread), -3.0, 3.0)
        level, slopes = _quantile(scores, target, coverage)
        # What is missing to the promised share is measured on folds that the slopes were not fitted on.
        shares = np.empty(len(target))  # of the half-width, by which the truth lies above the value
        for fold in range(FOLDS):
            out = np.arange(len(target)) % FOLDS == fold
            own_level, own_slopes = _quantile(scores[~out], target[~out], coverage)
            shares[out] = above[out] / np.exp(own_level + scores[out] @ own_slopes)
        upper, lower = _ends(shares, np.array([case.true_deg[name] for case in cases]), coverage)
        level += math.log((upper + lower) / 2)
        lean[name] = round((upper - lower) / (upper + lower), 4)
        half = np.exp(level + scores @ slopes)
        mean[name], sd[name] = tuple(float(v) for v in middle.round(5)), tuple(float(v) for v in spread.round(6))
        weights[name], offset[name] = tuple(float(v) for v in slopes.round(5)), round(level, 5)
        widest[name] = round(float(np.quantile(half, WIDEST_QUANTILE)) * WIDEST_MARGIN, 3)
    return IntervalModel(observed=OBSERVED, mean=mean, sd=sd, offset=offset, weights=weights, lean=lean,
                         widest_deg=widest, calibrated_on=calibrated_on)


def _ends(shares: Values, true_deg: Values, coverage: float) -> tuple[float, float]:
    """Shares of the half-width above and below the value that hold ``coverage`` of subjects, each third of them alike.

    Args:
        shares: (N,) of the half-width, by which the truth lies above the value.
        true_deg: (N,) the truth, by which the thirds are made.
    """
    third = np.digitize(true_deg, np.quantile(true_deg, (1 / 3, 2 / 3)))

    def uneven(missed_above: float) -> tuple[float, float]:
        upper, lower = ends(missed_above)
        holds = (-lower <= shares) & (shares <= upper)
        worst = max(abs(float(holds[third == k].mean()) - coverage) for k in np.unique(third))
        return worst, abs(missed_above - 0.5)

    def ends(missed_above: float) -> tuple[float, float]:
        missed = 1 - coverage
        return _held(shares, 1 - missed_above * missed), _held(-shares, 1 - (1 - missed_above) * missed)

    return ends(min(MISSED_ABOVE, key=uneven))


def _held(shares: Values, coverage: float) -> float:
    """The share of the half-width that holds ``coverage`` of subjects on one side (conformal rank), positive."""
    rank = min(math.ceil((len(shares) + 1) * coverage), len(shares))
    return max(float(np.sort(shares)[rank - 1]), 0.05)


def with_intervals(case: Case, model: IntervalModel) -> Case:
    """The case with the intervals that a device with this model would have given."""
    bounds = {}
    for name, value in case.predicted_deg.items():
        floor_deg = 0.0 if name == "cobb_major" else -math.inf
        held = model.interval(name, value, model.half_width_deg(name, _known(case, name)), floor_deg)
        bounds[name] = (held.low_deg, held.high_deg)
    return case.model_copy(update={"interval_deg": bounds})


def _known(case: Case, name: str) -> dict[str, float]:
    return observations(case.predicted_deg[name], case.sd_deg[name], case.repeatability_deg.get(name),
                        case.predicted_deg["cobb_major"], case.quality)


def _observed(case: Case, name: str) -> list[float]:
    known = _known(case, name)
    return [known.get(key, float("nan")) for key in OBSERVED]


def _quantile(scores: Values, target: Values, coverage: float) -> tuple[float, Values]:
    try:
        from sklearn.linear_model import QuantileRegressor
    except ModuleNotFoundError as error:
        raise MissingDependencyError("calibrating intervals needs scikit-learn", expected="sklearn", found="nothing",
                                     mend="pip install 'latxgen-edge[export]'") from error
    fitted = QuantileRegressor(quantile=coverage, alpha=PENALTY, solver="highs").fit(scores, target)
    return float(fitted.intercept_), np.asarray(fitted.coef_, np.float64)
