"""Errors are counted the way a reader of the table thinks they are."""

from __future__ import annotations

import numpy as np
import pytest

from export.evaluate.score import score


def test_the_four_figures_are_those_of_the_definitions() -> None:
    found = score([11.0, 19.0, 33.0], [10.0, 20.0, 30.0])

    assert found is not None
    assert (found.subjects, found.mae_deg, found.bias_deg) == (3, pytest.approx(5 / 3), pytest.approx(1.0))
    assert found.sd_deg == pytest.approx(2.0)
    assert found.r == pytest.approx(np.corrcoef([11, 19, 33], [10, 20, 30])[0, 1])


def test_a_subject_of_whom_something_is_unknown_is_left_out() -> None:
    found = score([1.0, np.nan, 3.0], [0.0, 5.0, np.nan])

    assert found is not None
    assert (found.subjects, found.mae_deg) == (1, 1.0)
    told = found.as_json()
    assert (told["subjects"], told["mae_deg"], told["bias_deg"]) == (1, 1.0, 1.0)
    assert [name for name, value in told.items() if value is None] == ["sd_deg", "r", "icc", "low_deg", "high_deg"]


def test_a_predictor_that_says_the_same_of_everybody_has_no_correlation() -> None:
    found = score([5.0, 5.0], [1.0, 9.0])

    assert found is not None
    assert np.isnan(found.r)
    assert found.mae_deg == 4.0


def test_nobody_gives_no_score() -> None:
    assert score([], []) is None
    assert score([np.nan], [1.0]) is None
