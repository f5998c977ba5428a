"""Grey values of a digital radiograph from log-attenuation: window, multi-scale contrast, bright bone on black.

The contrast step follows the idea of multi-scale image contrast amplification that digital radiography units apply
(Vuylsteke and Schoeters, SPIE 2167, 1994): damp the coarse bands, which carry the patient's thickness, and lift the
fine ones, which carry the bone.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.order import quantiles

AIR: Final = (0.12, 0.45)
"""-ln(I/I0): below the first is air with its scatter, shown black; above the second is the subject, shown in full."""
WINDOW_SHARES: Final = (0.02, 0.998)
"""Quantiles of the subject's pixels: black and white of the picture."""
BAND_GAINS: Final = (1.1, 1.8, 2.2, 1.8, 1.0)
"""Gain of each band of the Laplacian pyramid, finest first (detail of about 1, 2, 4, 8, 16 pixels). The finest is
hardly lifted: it holds noise."""
BASE_GAIN: Final = 0.6
GAMMA: Final = 0.9
_CURVE: Final = (255 * np.linspace(0, 1, 4096) ** GAMMA).astype(np.float32)
"""Grey value by place in the window: reading it is four times as fast as the power itself."""


def tone(log_attenuation: NDArray[np.floating]) -> NDArray[np.uint8]:
    """8-bit picture of a log-attenuation image.

    Args:
        log_attenuation: (H, W) float, -ln(I/I0), larger = denser, 0 = air; grid RADIOGRAPH.

    Returns:
        (H, W) uint8, dense is bright; all 0 where nothing attenuates.
    """
    image = np.maximum(np.asarray(log_attenuation, np.float32), 0)
    subject = _ramp(image, *AIR)
    enhanced = _amplify(image)
    shown = enhanced[::2, ::2][subject[::2, ::2] >= 1]  # a quarter of the pixels is enough for percentiles
    if shown.size == 0:
        return np.zeros(image.shape, np.uint8)
    low, high = quantiles(shown, WINDOW_SHARES)
    low = min(0.5 * low, high - 1e-3)  # the thinnest parts of the subject stay visible against air
    grey = _CURVE.take((_ramp(enhanced, low, high) * np.float32(_CURVE.size - 1)).astype(np.uint16))
    grey *= subject
    grey += 0.5
    return grey.astype(np.uint8)


def _ramp(image: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """0 up to ``low``, 1 from ``high``, linear between."""
    share = image - np.float32(low)
    share *= np.float32(1 / (high - low))
    return np.clip(share, 0, 1, out=share)


def _amplify(image: NDArray[np.float32]) -> NDArray[np.float32]:
    levels = [image]
    for _ in BAND_GAINS:
        levels.append(np.asarray(cv2.pyrDown(levels[-1]), np.float32))
    result = levels[-1] * np.float32(BASE_GAIN)
    for fine, coarse, gain in zip(levels[-2::-1], levels[:0:-1], BAND_GAINS[::-1], strict=True):
        size = (fine.shape[1], fine.shape[0])
        band = fine - cv2.pyrUp(coarse, dstsize=size)
        result = cv2.pyrUp(result, dstsize=size) + np.float32(gain) * band
    return np.asarray(result, np.float32)
