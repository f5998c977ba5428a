"""Reflectance of skin, hair and cloth at every point of a field, linear RGB, and how badly it shows the pattern."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from calib.phantom.appearance import Appearance
from calib.phantom.height_field import Field

# How much of the depth camera's infrared pattern is lost: hair scatters it, black cloth swallows part of it.
_HAIR_GLOSS: Final = 0.55
_SHOE_COLOUR: Final = np.array([0.05, 0.05, 0.055])


def mottled(shape: tuple[int, int], rng: np.random.Generator, pixels: float) -> Field:
    """Smooth random field of unit variance with features of about ``pixels``."""
    rows, cols = int(shape[0] / pixels) + 3, int(shape[1] / pixels) + 3
    coarse = rng.standard_normal((rows, cols), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC) * 1.3, np.float32)


def skin_albedo(look: Appearance, y_mm: Field, z_mm: Field, rng: np.random.Generator) -> Field:
    """(R, C, 3) skin: mottled redness and pigment, moles."""
    shape = (len(y_mm), len(z_mm))
    red = 0.035 * mottled(shape, rng, 16.0) + 0.02 * mottled(shape, rng, 5.0)
    pigment = 0.05 * mottled(shape, rng, 30.0) + 0.025 * mottled(shape, rng, 2.0)
    darkening = np.zeros(shape, np.float32)
    for y, z, radius, darkness in look.moles:
        r0, c0 = int(np.argmin(np.abs(y_mm - y))), int(np.argmin(np.abs(z_mm - z)))
        rows, cols = slice(max(r0 - 4, 0), r0 + 5), slice(max(c0 - 4, 0), c0 + 5)
        square = (y_mm[rows, None] - y) ** 2 + (z_mm[None, cols] - z) ** 2
        darkening[rows, cols] = np.maximum(darkening[rows, cols], darkness * np.exp(-square / (2 * radius**2)))
    tint = np.stack([pigment + 0.4 * red, pigment - 0.6 * red, pigment - 0.5 * red], -1)
    albedo = look.skin_colour.astype(np.float32) * (1.0 + tint) * (1.0 - 0.75 * darkening[..., None])
    return np.asarray(np.clip(albedo, 0.01, 0.9), np.float32)


def hair_albedo(look: Appearance, y_mm: Field, z_mm: Field, rng: np.random.Generator) -> Field:
    """(R, C, 3) hair: strands are columns of uneven brightness."""
    strands = 1.0 + 0.25 * rng.standard_normal((1, len(z_mm)), dtype=np.float32)
    strands = strands * (1.0 + 0.12 * mottled((len(y_mm), len(z_mm)), rng, 4.0))
    return np.asarray(look.hair_colour.astype(np.float32) * np.clip(strands, 0.3, 1.9)[..., None], np.float32)


def cloth_albedo(
    look: Appearance, down_mm: Field, band_mm: float, shape: tuple[int, int], rng: np.random.Generator
) -> Field:
    """(R, C, 3) trousers: band, seam line, slightly uneven dye. ``down_mm`` is the depth below the band's top."""
    dye = 1.0 + 0.05 * mottled(shape, rng, 6.0)
    cloth = look.cloth_colour.astype(np.float32) * dye[..., None]
    band = look.band_colour.astype(np.float32) * dye[..., None]
    seam = 1.0 - 0.35 * np.exp(-(((down_mm - band_mm) / 2.0) ** 2))
    return np.asarray(np.where((down_mm < band_mm)[..., None], band, cloth) * seam[..., None], np.float32)


def gloss_of(albedo: Field, hair: Field) -> Field:
    """(R, C) share 0..1 of the infrared pattern that is lost, by how dark the stuff is and whether it is hair."""
    dark = np.clip(0.25 - 2.5 * albedo.mean(axis=-1), 0.0, 0.25)
    return np.asarray(np.maximum(dark, _HAIR_GLOSS * hair), np.float32)


def shoe_albedo(shape: tuple[int, int]) -> Field:
    """(R, C, 3) plain dark shoes."""
    return np.broadcast_to(_SHOE_COLOUR.astype(np.float32), (*shape, 3))
