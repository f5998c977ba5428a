"""The frames' radiographs laid on top of each other: one picture of a scan, sharp where the frames agree."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.view.grid import RADIOGRAPH


def superposed(
    log_attenuations: Sequence[NDArray[np.float32]], off_mm: NDArray[np.floating], weights: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Weighted mean of pictures, each first moved to where the others lie.

    The body frame is found anew in every frame, some millimetres higher or further in than in the one before: a mean
    that did not mind would blur every edge by that.

    Args:
        log_attenuations: N of (512, 256) float32, grid RADIOGRAPH. off_mm: (N, 2) x and y, body frame, by which the
            bones of each lie off those of the mean. weights: (N,), sum 1.

    Returns:
        (512, 256) float32 log attenuation.
    """
    cols = RADIOGRAPH.right_sign * off_mm[:, 0] / RADIOGRAPH.mm_per_px
    rows = -off_mm[:, 1] / RADIOGRAPH.mm_per_px
    total = np.zeros_like(log_attenuations[0])
    for picture, col, row, weight in zip(log_attenuations, cols, rows, weights, strict=True):
        back = np.array([[1.0, 0.0, -col], [0.0, 1.0, -row]])
        moved = cv2.warpAffine(picture, back, picture.shape[::-1], flags=cv2.INTER_CUBIC,
                               borderMode=cv2.BORDER_REPLICATE)
        total += np.float32(weight) * moved
    return total
