"""What each predictor says of each subject: the model, the skin line and the mean, as they are or fitted one out.

Arrays are (N,) degrees over the subjects that have a result; NaN where a predictor says nothing of an angle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from export.evaluate.baselines import Baselines
from export.evaluate.case import Case
from export.evaluate.regressions import Regressions
from export.evaluate.skin_features import FEATURES

Values = NDArray[np.float64]
Predictions = dict[str, dict[str, Values]]
"""Predictor -> angle -> values."""

MODEL: Final = "model"
MODEL_ONE_OUT: Final = "model, line fitted one out"
OTHERS_MEAN: Final = "mean of the others"
MIN_LEAVE_ONE_OUT: Final = 4
"""Subjects that a leave-one-out line needs at least: a slope, an offset and something left to err with."""

SURFACE_OF: Final = {"centreline_kyphosis": 0, "centreline_lordosis": 1}
"""Which of the two angles of the skin line is the same quantity as an angle of the spine."""

_UNSEEN: Final = (float("nan"), float("nan"))


def truths(cases: Sequence[Case], angles: Sequence[str]) -> dict[str, Values]:
    """The true angles of the subjects."""
    return {name: np.array([case.true_deg.get(name, np.nan) for case in cases]) for name in angles}


def as_they_are(cases: Sequence[Case], angles: Sequence[str], baselines: Baselines,
                regressions: Regressions | None = None) -> Predictions:
    """The model untouched, and the baselines as they were fitted on training subjects."""
    skin = [baselines.from_skin(*(case.surface_deg or _UNSEEN)) for case in cases]
    said: Predictions = {
        MODEL: {name: np.array([case.predicted_deg.get(name, np.nan) for case in cases]) for name in angles},
        "calibrated skin line": {name: np.array([s[name] for s in skin]) for name in angles},
        "population mean": {name: np.full(len(cases), baselines.mean_deg[name]) for name in angles},
    }
    if regressions is not None and cases:
        unseen = [float("nan")] * FEATURES
        fitted = regressions.predict(np.array([case.features or unseen for case in cases], np.float64))
        said |= {who: {name: values[name] for name in angles} for who, values in fitted.items()}
    for who in sorted({name for case in cases for name in case.others_deg}):
        said[who] = {name: np.array([case.others_deg.get(who, {}).get(name, np.nan) for case in cases])
                     for name in angles}
    return said


def leave_one_out(cases: Sequence[Case], angles: Sequence[str]) -> Predictions:
    """The same three, each fitted to all other subjects of the set: a line for the model and for the skin line.

    Empty where there are too few subjects.
    """
    if len(cases) < MIN_LEAVE_ONE_OUT:
        return {}
    true = truths(cases, angles)
    raw = {name: np.array([case.predicted_deg.get(name, np.nan) for case in cases]) for name in angles}
    surface = np.array([case.surface_deg or _UNSEEN for case in cases])
    nothing = np.full(len(cases), np.nan)
    return {
        MODEL_ONE_OUT: {name: line_one_out(raw[name], true[name]) for name in angles},
        "skin line, fitted one out": {
            name: line_one_out(surface[:, SURFACE_OF[name]], true[name]) if name in SURFACE_OF else nothing
            for name in angles
        },
        OTHERS_MEAN: {name: line_one_out(np.zeros(len(cases)), true[name]) for name in angles},
    }


def line_one_out(x: Values, y: Values) -> Values:
    """(N,) predictions of y from x by the least-squares line through all other subjects; a constant x gives their mean.

    NaN where x is unknown, or where fewer than three others are known.
    """
    predicted = np.full(len(y), np.nan)
    known = np.isfinite(x) & np.isfinite(y)
    for i in range(len(y)):
        others = known & (np.arange(len(y)) != i)
        if others.sum() < MIN_LEAVE_ONE_OUT - 1:
            continue
        design = np.column_stack([x[others], np.ones(others.sum())])
        slope, offset = np.linalg.lstsq(design, y[others], rcond=None)[0]
        predicted[i] = slope * x[i] + offset
    return predicted
