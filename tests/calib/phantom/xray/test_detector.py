"""What the detector makes of known attenuation."""

from __future__ import annotations

import numpy as np
import pytest

from calib.phantom.xray.detector import HARDENING, LOG_CEILING, Exposure, draw_exposure, record

QUIET = Exposure(quanta=1e12, electronics=0.0, scatter=0.0, scatter_mm=25.0, veil=0.0, blur_mm=0.5)


def recorded(value: float, exposure: Exposure) -> np.ndarray:
    return record(np.full((128, 128), value, dtype=np.float32), 0.75, exposure, np.random.default_rng(3))


@pytest.mark.parametrize("value", [0.0, 1.0, 5.0])
def test_without_scatter_and_noise_the_hardened_attenuation_is_recorded(value: float) -> None:
    np.testing.assert_allclose(recorded(value, QUIET), value / (1 + HARDENING * value), atol=2e-3)


def test_noise_grows_with_attenuation() -> None:
    exposure = Exposure(quanta=4e5, electronics=3.0, scatter=0.0, scatter_mm=25.0, veil=0.0, blur_mm=0.5)
    spread = [recorded(v, exposure).std() for v in (0.5, 3.0, 6.0)]
    assert spread[0] < spread[1] < spread[2]
    # Poisson: one standard deviation of log I is 1 / sqrt(quanta that arrive).
    assert spread[1] == pytest.approx(1 / np.sqrt(4e5 * np.exp(-3.0 / (1 + HARDENING * 3.0))), rel=0.1)


def test_scatter_and_veil_lower_the_contrast_of_the_thick_parts() -> None:
    exposure = Exposure(quanta=1e12, electronics=0.0, scatter=0.1, scatter_mm=25.0, veil=2e-4, blur_mm=0.5)
    clean = recorded(6.0, QUIET).mean() - recorded(5.0, QUIET).mean()
    assert recorded(6.0, exposure).mean() - recorded(5.0, exposure).mean() < 0.98 * clean


def test_the_picture_stays_within_what_its_file_holds() -> None:
    exposure = draw_exposure(np.random.default_rng(0), 19.0)
    image = recorded(12.0, exposure)
    assert image.max() <= LOG_CEILING + 1e-3
    assert np.isfinite(image).all()
