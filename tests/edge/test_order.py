from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.order import median, median_of_known, pseudomedian, quantiles

FINITE = arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6))


@given(FINITE)
def test_the_median_is_numpys(values: np.ndarray) -> None:
    assert median(values) == pytest.approx(np.median(values))


@given(FINITE, st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_quantiles_are_numpys(values: np.ndarray, shares: list[float]) -> None:
    assert quantiles(values, shares) == pytest.approx(tuple(np.quantile(values, shares)), abs=1e-6)


def test_the_median_of_what_is_known_leaves_gaps_out() -> None:
    values = np.array([[1.0, np.nan], [5.0, 2.0], [9.0, 4.0]])
    assert median_of_known(values).tolist() == [5.0, 3.0]


def test_the_pseudomedian_is_the_median_of_the_means_of_pairs() -> None:
    assert pseudomedian(np.array([-1.0, 0.0, 2.0])) == 0.25  # of -1, -0.5, 0, 0.5, 1, 2
    assert pseudomedian(np.array([[3.0, 1.0]])).tolist() == [3.0, 1.0]


def test_the_pseudomedian_scatters_less_than_the_median_and_no_stray_value_carries_it_off() -> None:
    scans = np.random.default_rng(3).standard_normal((12, 4000))
    assert pseudomedian(scans).std() < 0.9 * np.median(scans, axis=0).std()
    scans[0] = 1e6
    assert abs(pseudomedian(scans)).max() < 3.0
