"""The synthetic radiograph as a picture file: grey values with the notice burned into its lower edge."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.draw.lettering import put_text, text_width
from edge.draw.tone import tone

BURNED_IN: Final = "SYNTHETIC - NOT FOR DIAGNOSTIC USE"
STRIP_PX: Final = 20
"""Height of the strip that the notice takes at the lower edge, below any part of the spine."""
PNG_COMPRESSION: Final = 1
"""Fastest of zlib's levels: a picture per frame must not cost the frame rate."""
_SUPERSAMPLING: Final = 4


def radiograph_picture(log_attenuation: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(H, W) uint8 picture with the notice burned in; geometry of the grid is kept.

    Args:
        log_attenuation: (H, W) float, -ln(I/I0), grid RADIOGRAPH.
    """
    picture = tone(log_attenuation)
    picture[-STRIP_PX:] = notice_strip(picture.shape[1], STRIP_PX)
    return picture


def png(picture: NDArray[np.uint8], compression: int = PNG_COMPRESSION) -> bytes:
    """PNG file of a grey (H, W) or RGB (H, W, 3) picture."""
    ordered = picture if picture.ndim == 2 else picture[..., ::-1]
    # One filter and run lengths alone: half the time of trying every filter on every row, and a tenth larger.
    settings = [cv2.IMWRITE_PNG_COMPRESSION, compression, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.12 and newer
        settings += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    ok, encoded = cv2.imencode(".png", np.ascontiguousarray(ordered), settings)
    if not ok:
        raise RuntimeError("OpenCV cannot encode PNG")
    return encoded.tobytes()


@lru_cache(maxsize=4)
def notice_strip(width: int, height: int) -> NDArray[np.uint8]:
    """(height, width) uint8: the notice, white on black, as large as fits."""
    w, h = width * _SUPERSAMPLING, height * _SUPERSAMPLING
    capital = h * 0.5
    while text_width(BURNED_IN, capital) > 0.95 * w:
        capital *= 0.97
    strip = np.zeros((h, w), np.uint8)
    put_text(strip, BURNED_IN, (w - text_width(BURNED_IN, capital)) / 2, (h + capital) / 2, capital, (255,))
    small = cv2.resize(strip, (width, height), interpolation=cv2.INTER_AREA)
    small.flags.writeable = False
    return np.asarray(small)
