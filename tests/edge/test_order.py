from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.order import huber_weights, median, median_of_known, pseudomedian, quantiles

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


def huber_mean(samples: np.ndarray) -> np.ndarray:
    return np.tensordot(huber_weights(samples), samples, 1)


def test_hubers_weights_are_alike_where_no_sample_is_stray() -> None:
    samples = np.random.default_rng(4).standard_normal((12, 37, 4, 3))
    for count in (1, 2, 12):
        assert np.allclose(huber_weights(samples[:count]), 1 / count)
    assert np.allclose(huber_weights(np.ones((3, 2))), 1 / 3)
    assert np.allclose(huber_weights(np.array([[5.0], [5.0], [9.0]])), [0.5, 0.5, 0.0])


@given(arrays(np.float64, (7, 3), elements=st.floats(-1e3, 1e3)), st.permutations(range(7)),
       arrays(np.float64, 3, elements=st.floats(-1e3, 1e3)))
def test_hubers_mean_knows_no_order_and_moves_with_the_samples(
    samples: np.ndarray, order: list[int], shift: np.ndarray
) -> None:
    weights = huber_weights(samples)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()
    middle = huber_mean(samples)
    assert np.allclose(huber_mean(samples[order]), middle, atol=1e-3)
    assert np.allclose(huber_mean(samples + shift), middle + shift, atol=1e-3)


@pytest.mark.parametrize("stray", [1, 2, 4])
def test_no_stray_sample_carries_hubers_mean_off(stray: int) -> None:
    samples = np.random.default_rng(5).standard_normal((12, 30))
    calm = huber_mean(samples)
    samples[:stray] = 1e9
    assert np.abs(huber_mean(samples) - calm).max() < 3.0
    assert np.abs(samples.mean(axis=0) - calm).max() > 1e7  # the plain mean is carried off


def test_differences_of_coordinates_that_err_together_stay_calm_in_hubers_mean() -> None:
    rng = np.random.default_rng(6)
    scans = rng.standard_normal((12, 400, 1)) * np.ones(2) + 0.1 * rng.standard_normal((12, 400, 2))

    def tilt_sd(middles: list[np.ndarray]) -> float:
        return float(np.std([m[0] - m[1] for m in middles]))

    each = [scans[:, k] for k in range(400)]
    assert tilt_sd([huber_mean(scan) for scan in each]) < 0.9 * tilt_sd([pseudomedian(scan) for scan in each])
