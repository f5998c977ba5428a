"""Text on pictures: sized in pixels, smooth, and with a degree sign, which OpenCV's fonts lack."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, ...]
FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
DEGREE: Final = "°"


def text_width(text: str, height_px: float, weight: float = 0.09) -> int:
    """Width in pixels of ``text`` at a capital height of ``height_px``."""
    scale, thickness, ring = _metrics(height_px, weight)
    plain = text.replace(DEGREE, "")
    width = cv2.getTextSize(plain, FONT, scale, thickness)[0][0] if plain else 0
    return round(width + text.count(DEGREE) * ring * 3.2)


def put_text(image: NDArray[np.uint8], text: str, left: float, baseline: float, height_px: float, colour: Colour,
             weight: float = 0.09) -> int:
    """Write ``text`` on ``image`` in place and return the x at which it ends.

    Args:
        left, baseline: of the first letter, pixels. height_px: of a capital. weight: stroke per height.
    """
    scale, thickness, ring = _metrics(height_px, weight)
    x = float(left)
    for index, part in enumerate(text.split(DEGREE)):
        if index:
            centre = (round(x + ring * 1.8), round(baseline - height_px + 1.6 * ring))
            cv2.circle(image, centre, max(1, round(ring)), colour, max(1, round(0.6 * thickness)), cv2.LINE_AA)
            x += ring * 3.2
        if part:
            cv2.putText(image, part, (round(x), round(baseline)), FONT, scale, colour, thickness, cv2.LINE_AA)
            x += cv2.getTextSize(part, FONT, scale, thickness)[0][0]
    return round(x)


def _metrics(height_px: float, weight: float) -> tuple[float, int, float]:
    """Font scale, stroke and radius of the degree sign at a capital height."""
    capital = cv2.getTextSize("H", FONT, 1.0, 1)[0][1]
    return height_px / capital, max(1, round(height_px * weight)), height_px * 0.15
