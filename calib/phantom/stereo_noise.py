"""What an active stereo camera does to a clean depth image: correlated disparity noise, quantisation, bias, holes.

The camera measures disparity d = f B / z, so an error of s pixels becomes sigma_z = z^2 s / (f B). Image axes are
those of the upright (portrait) frame, so the baseline runs along the image's rows axis: disparity shifts are vertical.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class StereoError:
    """The error of one camera; drawn once per camera, except the noise itself, which is new in every frame.

    noise_px: rms of the sub-pixel disparity noise; correlation_px: its Gaussian correlation radius; step_px: the
    disparity quantum. ripple_px: amplitude of the periodic sub-pixel non-linearity. bow_mm: (3, 3) coefficients of a
    polynomial depth bias over the image (Chebyshev in column and row, at the depth ``at_m``). scale, offset_mm:
    global. hole_share: share of the surface lost in blobs. grazing_cos: below this cosine the surface gives no match.
    edge_px: half size of the matching window, by which near things grow at depth edges.
    """

    noise_px: float
    correlation_px: float
    step_px: float
    ripple_px: float
    ripple_phase: float
    bow_mm: NDArray[np.float64]
    at_m: float
    scale: float
    offset_mm: float
    hole_share: float
    grazing_cos: float
    edge_px: int


def apply_stereo_error(
    depth_m: Floats, loss: Floats, focal_px: float, baseline_m: float, error: StereoError, rng: np.random.Generator
) -> Floats:
    """Noisy copy of a clean depth image.

    depth_m: (H, W) float32 metres, 0 = nothing. loss: (H, W) float32 0..1, share of the projected pattern that the
    surface loses. Returns (H, W) float32 metres, 0 = no reading.
    """
    height, width = depth_m.shape
    fattened = _fattened(depth_m, error.edge_px)
    noise = rng.standard_normal((height, width), dtype=np.float32)
    if error.correlation_px > 0.0:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), error.correlation_px), np.float32)
        # White noise of unit variance blurred by a Gaussian keeps the variance 1 / (4 pi sigma^2).
        noise *= np.float32(2.0 * np.sqrt(np.pi) * error.correlation_px)
    noise *= np.float32(error.noise_px)
    bow = _bow(error, height, width) * np.float32(1e-3 / max(error.at_m, 0.1) ** 2)
    holes = _hole_field(height, width, rng)
    # Share of pixels lost to blobs: the field's quantile; more where the pattern is lost.
    limit = float(np.quantile(holes[::4, ::4], 1.0 - min(max(error.hole_share, 0.0), 0.9)))
    loss_gain = np.float32(2.2 if error.hole_share > 0.0 else 0.0)
    out = np.zeros_like(depth_m)
    _measure(
        fattened, depth_m, noise, bow, holes, loss * loss_gain, np.float32(limit if error.hole_share > 0 else 1e9),
        np.float32(focal_px), np.float32(focal_px * baseline_m), np.float32(1.0 / error.step_px),
        np.float32(error.ripple_px), np.float32(error.ripple_phase), np.float32(1.0 + error.scale),
        np.float32(error.offset_mm * 1e-3), np.float32(error.grazing_cos), out,
    )
    _shadow(fattened, np.float32(focal_px * baseline_m), out)
    return out


def _fattened(depth_m: Floats, edge_px: int) -> Floats:
    """Near things grown by the matching window, at depth edges only."""
    if edge_px <= 0:
        return depth_m
    far = np.where(depth_m > 0.0, depth_m, np.float32(100.0))
    near = cv2.erode(far, np.ones((2 * edge_px + 1, 2 * edge_px + 1), np.uint8))
    return np.asarray(np.where(far - near > 0.06, np.where(near < 99.0, near, 0.0), depth_m), np.float32)


def _bow(error: StereoError, height: int, width: int) -> Floats:
    col = np.polynomial.chebyshev.chebvander(np.linspace(-1.0, 1.0, width), 2)
    row = np.polynomial.chebyshev.chebvander(np.linspace(-1.0, 1.0, height), 2)
    return np.asarray(row @ error.bow_mm @ col.T, dtype=np.float32)


def _hole_field(height: int, width: int, rng: np.random.Generator) -> Floats:
    small = rng.standard_normal((height // 8 + 2, width // 8 + 2), dtype=np.float32)
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), 0.8), np.float32)
    small /= small.std()
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


@numba.njit(cache=True, fastmath=True)  # type: ignore[misc,unused-ignore]
def _measure(
    depth: Any, clean: Any, noise: Any, bow: Any, holes: Any, loss: Any, limit: Any, focal: Any, focal_baseline: Any,
    steps: Any, ripple: Any, phase: Any, scale: Any, offset: Any, grazing: Any, out: Any,
) -> None:
    height, width = depth.shape
    two_pi = np.float32(2.0 * np.pi)
    for r in range(height):
        for c in range(width):
            z = depth[r, c]
            if z <= 0.0 or holes[r, c] + loss[r, c] > limit:
                continue
            if 0 < r < height - 1 and 0 < c < width - 1 and clean[r, c] > 0.0:
                # Cosine between viewing ray and surface from central differences of the clean depth.
                left, right = clean[r, c - 1], clean[r, c + 1]
                up, down = clean[r - 1, c], clean[r + 1, c]
                if left > 0.0 and right > 0.0 and up > 0.0 and down > 0.0:
                    per_px = z / focal * np.float32(2.0)
                    gx, gy = (right - left) / per_px, (down - up) / per_px
                    if 1.0 / np.sqrt(1.0 + gx * gx + gy * gy) < grazing:
                        continue
            d = focal_baseline / z
            d += noise[r, c] + ripple * np.sin(two_pi * d + phase)
            d = np.float32(np.round(d * steps)) / steps
            if d > 1.0:
                measured = focal_baseline / d
                out[r, c] = measured * scale + offset + bow[r, c] * measured * measured


@numba.njit(cache=True, fastmath=True)  # type: ignore[misc,unused-ignore]
def _shadow(depth: Any, focal_baseline: Any, out: Any) -> None:
    """Drop what only one of the two imagers sees: background just beside a nearer thing, on one side of it."""
    height, width = depth.shape
    reach = np.zeros(width, np.float32)
    for r in range(height):
        for c in range(width):
            z = depth[r, c]
            d = focal_baseline / z if z > 0.0 else np.float32(0.0)
            covered = reach[c] - np.float32(1.0)
            if d < covered - 1.0:
                out[r, c] = 0.0
                reach[c] = covered
            else:
                reach[c] = max(d, covered)
