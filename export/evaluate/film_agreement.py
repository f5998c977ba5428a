"""How alike two radiographs are: PSNR, SSIM and multi-scale SSIM, on log attenuation, over the whole picture."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

RANGE: Final = 6.0
"""Span of log attenuation that PSNR and SSIM are relative to: air to the pelvis of a lateral film."""
WINDOW_SIGMA_PX: Final = 1.5  # Wang et al. 2004: Gaussian window, sigma 1.5 pixels
_C1, _C2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
SCALE_WEIGHTS: Final = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the five scales of multi-scale SSIM (Wang, Simoncelli and Bovik, Asilomar 2003)."""


def film_agreement(got: F32, true: F32) -> dict[str, float]:
    """``psnr_db``, ``ssim``, ``ms_ssim`` of a (512, 256) log attenuation against the true one, and ``l1``."""
    error = got.astype(np.float64) - true
    return {
        "psnr_db": float(10 * np.log10(RANGE**2 / max(float((error**2).mean()), 1e-12))),
        "ssim": ssim(got, true),
        "ms_ssim": ms_ssim(got, true),
        "l1": float(np.abs(error).mean()),
    }


def ssim(got: F32, true: F32) -> float:
    """Structural similarity, mean over the picture (Wang et al., IEEE TIP 2004)."""
    luminance, structure = _terms(got.astype(np.float64), true.astype(np.float64))
    return float((luminance * structure).mean())


def ms_ssim(got: F32, true: F32) -> float:
    """Multi-scale structural similarity over five dyadic scales."""
    a, b = got.astype(np.float64), true.astype(np.float64)
    product = 1.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        luminance, structure = _terms(a, b)
        last = scale == len(SCALE_WEIGHTS) - 1
        value = float((luminance * structure if last else structure).mean())
        product *= max(value, 0.0) ** weight
        a, b = (np.asarray(cv2.resize(i, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float64)
                for i in (a, b))
    return product


def _terms(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    def blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(image, (11, 11), WINDOW_SIGMA_PX), np.float64)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    cov = blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return luminance, (2 * cov + _C2) / (var_a + var_b + _C2)
