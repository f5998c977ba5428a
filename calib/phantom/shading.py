"""Light and the colour camera: Lambertian shading at the vertices, exposure, sensor noise, sRGB."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.phantom.height_field import Mesh

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """Lamps of a room in the subject frame, and how the colour camera renders them.

    towards: (L, 3) unit vectors to the lamps; strength: (L, 3) linear RGB; ambient, wall, floor: (3,) linear RGB.
    misaligned_px: (2,) residual shift of the colour image against the depth image.
    """

    towards: NDArray[np.float64]
    strength: NDArray[np.float64]
    ambient: NDArray[np.float64]
    wall: NDArray[np.float64]
    floor: NDArray[np.float64]
    exposure: float
    noise: float
    misaligned_px: NDArray[np.float64]


def draw_light(rng: np.random.Generator) -> Light:
    """Two or three lamps behind and above the subject, a warm or cold white."""
    n = int(rng.integers(2, 4))
    towards = np.stack([-rng.uniform(0.5, 1.0, n), rng.uniform(0.15, 1.1, n), rng.uniform(-0.8, 0.8, n)], axis=1)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    warmth = rng.uniform(-0.12, 0.12)
    white = np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    strength = rng.uniform(0.25, 1.0, n)
    strength = strength / strength.sum() * rng.uniform(0.65, 0.9)
    grey = rng.uniform(0.15, 0.7)
    return Light(
        towards=towards,
        strength=strength[:, None] * white,
        ambient=white * rng.uniform(0.12, 0.3),
        wall=grey * white * rng.uniform(0.92, 1.08, 3) * 0.6,
        floor=rng.uniform(0.05, 0.35) * white * rng.uniform(0.85, 1.15, 3) * 0.6,
        exposure=float(rng.uniform(0.85, 1.35)),
        noise=float(rng.uniform(1.0, 3.5)),
        misaligned_px=rng.normal(0.0, 0.7, 2),
    )


def shaded(mesh: Mesh, light: Light) -> Floats:
    """(V, 3) linear radiance of the vertices."""
    facing = np.maximum(mesh.normals @ light.towards.T.astype(np.float32), 0.0)
    # Surfaces that face down or into the body's own hollows see less of the room.
    open_to_room = 0.8 + 0.2 * mesh.normals[:, 1:2]
    return np.asarray(mesh.albedo * (facing @ light.strength.astype(np.float32) + light.ambient.astype(np.float32)
                                     * open_to_room), np.float32)


def seen_colour(linear: Floats, light: Light, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB as the colour camera gives it, slightly soft, misaligned and noisy."""
    height, width = linear.shape[:2]
    shift = np.array([[1.0, 0.0, light.misaligned_px[0]], [0.0, 1.0, light.misaligned_px[1]]])
    moved = cv2.warpAffine(linear, shift, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    levels = np.minimum(np.maximum(moved * np.float32(light.exposure * 4095.0), 0.0), 4095.0).astype(np.uint16)
    coded = _GAMMA[levels]
    grain = np.empty((height, width, 3), np.int8)
    noise = rng.integers(-64, 64, (height, width), dtype=np.int8)
    scale = np.float32(light.noise / 37.0)
    for channel in range(3):  # luminance noise with a little chroma: rolled copies are as good as new draws
        grain[..., channel] = np.roll(noise, 7 * channel, axis=1) * scale
    return np.asarray(cv2.add(coded.astype(np.int16), grain.astype(np.int16)).clip(0, 255), np.uint8)


def _gamma_table() -> NDArray[np.uint8]:
    linear = np.arange(4096) / 4095.0
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(coded * 255.0), np.uint8)


_GAMMA = _gamma_table()
