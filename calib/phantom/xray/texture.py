"""Random textures: smooth noise of a given grain, and sums of it over octaves."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


def blotches(rng: np.random.Generator, shape: tuple[int, int], grain_px: float, stretch: float = 1.0) -> F32:
    """(rows, cols) float32 noise of unit variance and about ``grain_px`` pixels grain, ``stretch`` times taller."""
    rows, cols = shape
    # Blurred white noise on a grid a good deal finer than the grain: a coarser one shows its own lattice.
    step_y, step_x = max(grain_px * stretch / 2.5, 1.0), max(grain_px / 2.5, 1.0)
    small = rng.standard_normal((int(rows / step_y) + 3, int(cols / step_x) + 3), dtype=np.float32)
    blur_x, blur_y = 0.42 * grain_px / step_x, 0.42 * grain_px * stretch / step_y
    smooth = cv2.GaussianBlur(small, (0, 0), blur_x, sigmaY=blur_y, borderType=cv2.BORDER_REFLECT)
    size = (int(small.shape[1] * step_x), int(small.shape[0] * step_y))
    large = np.ascontiguousarray(cv2.resize(smooth, size, interpolation=cv2.INTER_CUBIC)[:rows, :cols])
    large *= np.float32(1.0 / (large[::4, ::4].std() + 1e-6))
    return np.asarray(large, dtype=np.float32)


def fractal(
    rng: np.random.Generator, shape: tuple[int, int], grain_px: float, octaves: int, roughness: float = 0.6,
    stretch: float = 1.0,
) -> F32:
    """Sum of ``octaves`` of noise, each half as coarse and ``roughness`` times as strong; unit variance."""
    total = blotches(rng, shape, grain_px, stretch)
    for k in range(1, octaves):
        total += np.float32(roughness**k) * blotches(rng, shape, grain_px / 2**k, stretch)
    total *= np.float32(1.0 / np.sqrt(sum(roughness ** (2 * k) for k in range(octaves))))
    return total
