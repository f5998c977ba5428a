"""An RGB canvas with smooth lines and text: drawn at twice its size and averaged down."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge.draw.lettering import put_text, text_width

Colour = tuple[int, int, int]
_SUPERSAMPLING: Final = 2
_FRACTION_BITS: Final = 4  # of OpenCV's fixed-point coordinates


class Canvas:
    """Coordinates are pixels of the finished picture, (x, y), pixel centres at integers."""

    def __init__(self, height: int, width: int, background: Colour) -> None:
        self.height, self.width = height, width
        self._image = np.empty((height * _SUPERSAMPLING, width * _SUPERSAMPLING, 3), np.uint8)
        self._image[:] = background

    def picture(self) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB."""
        return np.asarray(cv2.resize(self._image, (self.width, self.height), interpolation=cv2.INTER_AREA), np.uint8)

    def paste(self, grey: NDArray[np.uint8], left: int, top: int) -> None:
        """Put a grey (h, w) picture with its upper left corner at (left, top)."""
        s = _SUPERSAMPLING
        large = cv2.resize(grey, None, fx=s, fy=s, interpolation=cv2.INTER_LINEAR)
        self._image[top * s : top * s + large.shape[0], left * s : left * s + large.shape[1]] = large[..., None]

    def line(self, points: ArrayLike, colour: Colour, width_px: float, opacity: float = 1.0) -> None:
        """Polyline through (N, 2) points."""
        large = (np.asarray(points, np.float64) + 0.5) * _SUPERSAMPLING - 0.5
        thickness = max(1, round(width_px * _SUPERSAMPLING))
        height, width = self._image.shape[:2]
        left, top = (int(v) for v in np.clip(large.min(axis=0) - thickness - 2, 0, (width - 1, height - 1)))
        right, bottom = (int(v) for v in np.clip(large.max(axis=0) + thickness + 3, 1, (width, height)))
        under = self._image[top:bottom, left:right]  # only this part is blended
        over = under.copy()
        fixed = np.round((large - (left, top)) * (1 << _FRACTION_BITS)).astype(np.int32)
        cv2.polylines(over, [fixed], False, colour, thickness, cv2.LINE_AA, _FRACTION_BITS)
        under[:] = cv2.addWeighted(over, opacity, under, 1 - opacity, 0) if opacity < 1 else over

    def dashes(self, start: NDArray, end: NDArray, colour: Colour, width_px: float, dash_px: float = 6.0) -> None:
        """Dashed straight line."""
        length = float(np.hypot(*(end - start)))
        for a in np.arange(0.0, length, 2 * dash_px):
            b = min(a + dash_px, length)
            self.line([start + (end - start) * a / length, start + (end - start) * b / length], colour, width_px)

    def box(self, left: float, top: float, width: float, height: float, colour: Colour) -> None:
        """Filled rectangle."""
        s = _SUPERSAMPLING
        cv2.rectangle(self._image, (round(left * s), round(top * s)),
                      (round((left + width) * s) - 1, round((top + height) * s) - 1), colour, -1)

    def text(self, text: str, x: float, baseline: float, height_px: float, colour: Colour, align: str = "left",
             halo: Colour | None = None) -> None:
        """Text with its baseline's left or right end at (x, baseline), and an edge of ``halo`` on busy ground."""
        s = _SUPERSAMPLING
        left = x * s - (text_width(text, height_px * s) if align == "right" else 0)
        for dx, dy in ((-2, -2), (-2, 2), (2, -2), (2, 2), (3, 0), (-3, 0), (0, 3), (0, -3)) if halo else ():
            put_text(self._image, text, left + dx, baseline * s + dy, height_px * s, halo or colour)
        put_text(self._image, text, left, baseline * s, height_px * s, colour)

    def tag(self, text: str, x: float, y: float, height_px: float, colour: Colour, background: Colour) -> None:
        """Text centred on (x, y) on a filled box of its own."""
        width = text_width(text, height_px * _SUPERSAMPLING) / _SUPERSAMPLING
        pad = height_px * 0.45
        self.box(x - width / 2 - pad, y - height_px / 2 - pad, width + 2 * pad, height_px + 2 * pad, background)
        self.text(text, x - width / 2, y + height_px / 2, height_px, colour)
