"""The pixel grids of the back view and of the lateral view, and the body frame that they share.

Body frame (ISB): x anterior, y up along gravity, z to the subject's right, millimetres. Its origin is set per
frame by ``edge.view.back_view``: y = 0 at the top of the shoulders, z = 0 at the middle of the trunk,
x = 0 at the median depth of the mid-line strip. Row r is the same height in both views: the invariant that
the network is built on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """A pixel grid in a plane of the body frame.

    ``top_mm`` is the y of the upper edge of row 0. ``left_mm`` is the horizontal body coordinate of the left edge
    of column 0 and ``right_sign`` the sign with which that coordinate changes to the right.
    """

    rows: int
    cols: int
    mm_per_px: float
    top_mm: float
    left_mm: float
    right_sign: int

    def row_of(self, y_mm: NDArray[np.floating]) -> NDArray[np.floating]:
        """Continuous row index (pixel centres at integers) of heights ``y_mm``."""
        return (self.top_mm - np.asarray(y_mm)) / self.mm_per_px - 0.5

    def col_of(self, u_mm: NDArray[np.floating]) -> NDArray[np.floating]:
        """Continuous column index (pixel centres at integers) of z (back view) or x (lateral view)."""
        return self.right_sign * (np.asarray(u_mm) - self.left_mm) / self.mm_per_px - 0.5

    def y_of(self, row: NDArray[np.floating]) -> NDArray[np.floating]:
        """Height in mm of continuous row indices."""
        return self.top_mm - (np.asarray(row) + 0.5) * self.mm_per_px

    def u_of(self, col: NDArray[np.floating]) -> NDArray[np.floating]:
        """z (back view) or x (lateral view) in mm of continuous column indices."""
        return self.left_mm + self.right_sign * (np.asarray(col) + 0.5) * self.mm_per_px

    @property
    def rows_y_mm(self) -> NDArray[np.float64]:
        """(rows,) height of every row's centre."""
        return self.top_mm - (np.arange(self.rows, dtype=np.float64) + 0.5) * self.mm_per_px

    @property
    def cols_u_mm(self) -> NDArray[np.float64]:
        """(cols,) z (back view) or x (lateral view) of every column's centre."""
        return self.left_mm + self.right_sign * (np.arange(self.cols, dtype=np.float64) + 0.5) * self.mm_per_px

    def coarser(self, factor: int) -> Grid:
        """The same area at ``factor`` times the pixel size."""
        return Grid(
            self.rows // factor, self.cols // factor, self.mm_per_px * factor, self.top_mm, self.left_mm,
            self.right_sign,
        )


TOP_MM: Final = 144.0  # head room above the shoulders; C7 lies about 20-60 mm above them
BACK_VIEW: Final = Grid(rows=256, cols=128, mm_per_px=3.0, top_mm=TOP_MM, left_mm=-192.0, right_sign=1)
"""Back view: 768 x 384 mm at 3 mm/pixel, seen from behind: the subject's left is on the left."""

RADIOGRAPH: Final = Grid(rows=512, cols=256, mm_per_px=1.5, top_mm=TOP_MM, left_mm=300.0, right_sign=-1)
"""Lateral view: 768 x 384 mm at 1.5 mm/pixel, anterior (x = +300 mm) left, posterior (x = -84 mm) right."""

LATERAL_VIEW: Final = RADIOGRAPH.coarser(2)
"""The lateral view at the resolution of stage 1 (256 x 128 at 3 mm/pixel)."""
