"""Radiographs bent, moved and drawn otherwise, with their endplates: few films stand for many spines and tastes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.view.grid import RADIOGRAPH

F32 = NDArray[np.float32]


def augmented(
    film: F32, endplates_mm: F32, rng: np.random.Generator, strength: float = 1.0
) -> tuple[F32, F32]:
    """A film bent in the sagittal plane, shifted, stretched, blurred, and of another contrast; (37, 4, 3) moved along.

    Rows are shifted forwards by a smooth function of the height: the bend of the spine then says less of an
    endplate's tilt than the endplate does.

    Args:
        film: (512, 256) log attenuation.
        strength: 1 for all of it, 0 for the film as it is.
    """
    rows, cols = RADIOGRAPH.rows, RADIOGRAPH.cols
    y_mm = RADIOGRAPH.rows_y_mm
    waves = rng.normal(size=4) * [10.0, 6.0, 3.0, 1.5]
    phase = (RADIOGRAPH.top_mm - y_mm) / (rows * RADIOGRAPH.mm_per_px)
    bend = sum(w * np.sin(np.pi * (k + 1) * phase + rng.uniform(0, np.pi)) for k, w in enumerate(waves))
    bend = strength * (np.asarray(bend) + rng.normal() * 12.0)
    stretch, lift = 1.0 + strength * rng.uniform(-0.07, 0.07), strength * rng.normal() * 12.0
    # A new row shows what an old one did: y_old = (y_new - lift) / stretch.
    old_y = (y_mm - lift) / stretch
    source_row = RADIOGRAPH.row_of(old_y).astype(np.float32)[:, None].repeat(cols, axis=1)
    shift_px = (np.interp(-old_y, -y_mm, bend) / RADIOGRAPH.mm_per_px).astype(np.float32)
    source_col = np.arange(cols, dtype=np.float32)[None] + shift_px[:, None]  # x grows to the left of a film
    image = np.asarray(cv2.remap(film, source_col, source_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
                       np.float32)
    points = endplates_mm.astype(np.float64).copy()
    points[..., 0] += np.interp(-points[..., 1], -y_mm, bend)
    points[..., 1] = points[..., 1] * stretch + lift
    return _drawn_otherwise(image, rng, strength), points.astype(np.float32)


def _drawn_otherwise(image: F32, rng: np.random.Generator, strength: float) -> F32:
    sigma = strength * abs(rng.normal()) * 1.2
    if sigma > 0.3:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    coarse = np.asarray(cv2.GaussianBlur(image, (0, 0), 12.0), np.float32)
    contrast = 1.0 + strength * rng.uniform(-0.2, 0.2), 1.0 + strength * rng.uniform(-0.5, 0.3)
    image = coarse * np.float32(contrast[0]) + (image - coarse) * np.float32(contrast[1])
    noise = rng.normal(size=image.shape).astype(np.float32) * np.float32(strength * rng.uniform(0.0, 0.04))
    return np.asarray(image + noise, np.float32)
