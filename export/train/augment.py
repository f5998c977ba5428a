"""What real scans have and phantom scans have not: changes to a back view, and to its truth along with it.

Everything works on the numpy ``BackView`` before ``edge.lift`` runs, so slopes and lift always fit the surface.
Each change is one function and one row of ``AUGMENTATIONS`` with its probability.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ENDPLATE_POINTS
from edge.view.grid import BACK_VIEW, RADIOGRAPH
from export.train.sample import TrainingSample

if TYPE_CHECKING:
    from edge.view.back_view import BackView

MIRRORED_POINTS: Final = [
    ENDPLATE_POINTS.index({"left": "right", "right": "left"}.get(name, name)) for name in ENDPLATE_POINTS
]
ROW_Y_MM: Final = BACK_VIEW.y_of(np.arange(BACK_VIEW.rows, dtype=np.float64))
COL_Z_MM: Final = BACK_VIEW.u_of(np.arange(BACK_VIEW.cols, dtype=np.float64))
WAIST_MM: Final = -430.0
"""Typical height of S1 below the shoulders, used where a sample has no landmarks to crop by."""


def _with_view(sample: TrainingSample, **changes: object) -> TrainingSample:
    return replace(sample, view=replace(sample.view, **changes))  # type: ignore[arg-type]


def _masked(view: BackView, kept: NDArray[np.bool_]) -> dict[str, object]:
    mask = view.mask & kept
    colour = None if view.colour is None else np.where(mask[..., None], view.colour, 0).astype(np.uint8)
    return {"mask": mask, "surface_x_mm": np.where(mask, view.surface_x_mm, 0).astype(np.float32), "colour": colour}


def mirror(sample: TrainingSample, _rng: np.random.Generator) -> TrainingSample:
    """The subject in a mirror: columns flipped, z negated, left and right points exchanged. Sagittal truth stays."""
    view = sample.view
    colour = None if view.colour is None else np.ascontiguousarray(view.colour[:, ::-1])
    endplates = sample.endplates_mm
    if endplates is not None:
        endplates = endplates[:, MIRRORED_POINTS] * np.array([1, 1, -1], np.float32)
    flipped = _with_view(
        sample, surface_x_mm=np.ascontiguousarray(view.surface_x_mm[:, ::-1]),
        mask=np.ascontiguousarray(view.mask[:, ::-1]), colour=colour,
    )
    return replace(flipped, endplates_mm=endplates)


def drop_colour(sample: TrainingSample, _rng: np.random.Generator) -> TrainingSample:
    """Many recordings carry depth alone."""
    return _with_view(sample, colour=None)


def tint(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """Another light: gain, gamma and a colour cast."""
    if sample.view.colour is None:
        return sample
    table = np.arange(256, dtype=np.float32) / 255.0
    gamma, gain = np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.15, 3))
    lut = np.clip(table[:, None] ** gamma * gain * 255.0, 0, 255).astype(np.uint8)
    colour = np.stack([lut[sample.view.colour[..., c], c] for c in range(3)], axis=-1)
    return _with_view(sample, colour=colour)


def crop_neck(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """Scans are often cut at the neck, at or below the shoulders' top."""
    top = rng.uniform(-15.0, 90.0)
    kept = top > ROW_Y_MM
    return _with_view(sample, **_masked(sample.view, kept[:, None]))


def crop_waist(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """The lower edge of the scan, from well below the sacrum up to the lower lumbar spine."""
    sacrum = WAIST_MM
    if sample.endplates_mm is not None and np.isfinite(sample.endplates_mm[-1, :, 1]).any():
        sacrum = float(np.nanmean(sample.endplates_mm[-1, :, 1]))
    bottom = sacrum + rng.uniform(-110.0, 35.0)
    kept = bottom < ROW_Y_MM
    return _with_view(sample, **_masked(sample.view, kept[:, None]))


def crop_sides(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """Arms and flanks cut away, each side on its own."""
    z = COL_Z_MM
    kept = (z > -rng.uniform(95.0, 190.0)) & (z < rng.uniform(95.0, 190.0))
    return _with_view(sample, **_masked(sample.view, kept[None, :]))


def trim_outline(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """Arms cut away along the trunk: wide at the shoulders, narrow at the waist, as scanned backs are trimmed.

    Half widths over 12 scans of patients: 187 mm at the shoulders, 140 mm at the waist, 160 mm at the hips.
    """
    half_mm = rng.normal((187.0, 175.0, 140.0, 160.0), (12.0, 15.0, 15.0, 12.0))
    limit = np.interp(-ROW_Y_MM, (0.0, 150.0, 330.0, 450.0), half_mm)
    return _with_view(sample, **_masked(sample.view, np.abs(COL_Z_MM)[None, :] < limit[:, None]))


def reshape_flanks(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """Flanks rounder or flatter than the phantom's, a little unlike each other; the mid-line stays as it is.

    Scanned backs and phantoms differ there by 4-8 mm at 110 mm beside the spine: what the spine does must not be
    read from it alone. How the sides differ follows the column as closely on scans as on phantoms: that stays.
    """
    beyond = np.clip((np.abs(COL_Z_MM) - 20.0) / 90.0, 0.0, 2.0) ** 1.5
    both, between = rng.uniform(0.0, 8.0), rng.uniform(0.0, 1.2)
    knots = np.stack([rng.normal(0, both, 6), rng.normal(0, between, 6)], axis=1).astype(np.float32)
    same, turned = cv2.resize(knots, (2, BACK_VIEW.rows), interpolation=cv2.INTER_CUBIC).T
    change = (same[:, None] + turned[:, None] * np.sign(COL_Z_MM)[None, :]) * beyond[None, :]
    view = sample.view
    return _with_view(sample, surface_x_mm=np.where(view.mask, view.surface_x_mm + change, 0).astype(np.float32))


def punch_holes(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """Missing depth in a few small patches."""
    kept = np.ones(sample.view.mask.shape, np.uint8)
    for _ in range(rng.integers(1, 5)):
        centre = (int(rng.integers(0, BACK_VIEW.cols)), int(rng.integers(0, BACK_VIEW.rows)))
        axes = (int(rng.integers(1, 7)), int(rng.integers(1, 7)))
        cv2.ellipse(kept, centre, axes, float(rng.uniform(0, 180)), 0, 360, 0, -1)
    return _with_view(sample, **_masked(sample.view, kept.astype(bool)))


def _moved(image: NDArray[Any], rows: int, cols: int, fill: float) -> NDArray[Any]:
    out = np.full_like(image, fill)
    height, width = image.shape[:2]
    out[max(rows, 0) : height + min(rows, 0), max(cols, 0) : width + min(cols, 0)] = image[
        max(-rows, 0) : height + min(-rows, 0), max(-cols, 0) : width + min(-cols, 0)
    ]
    return out


def shift_height(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """The top of the shoulders found a little higher or lower: up to 8 rows of 3 mm."""
    rows = int(rng.integers(-8, 9))
    view = sample.view
    moved = _with_view(
        sample, surface_x_mm=_moved(view.surface_x_mm, rows, 0, 0), mask=_moved(view.mask, rows, 0, 0),
        colour=None if view.colour is None else _moved(view.colour, rows, 0, 0),
    )
    endplates, film = sample.endplates_mm, sample.log_attenuation
    if endplates is not None:
        endplates = endplates - np.array([0, rows * BACK_VIEW.mm_per_px, 0], np.float32)
    if film is not None:
        film = _moved(film, rows * int(BACK_VIEW.mm_per_px / RADIOGRAPH.mm_per_px), 0, np.nan)
    return replace(moved, endplates_mm=endplates, log_attenuation=film)


def shift_depth(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """The frame's x = 0 a little further in or out: whole radiograph columns of 1.5 mm."""
    cols = int(rng.integers(-5, 6))
    dx = np.float32(-cols * RADIOGRAPH.mm_per_px)  # columns run from anterior to posterior
    view = sample.view
    moved = _with_view(sample, surface_x_mm=np.where(view.mask, view.surface_x_mm + dx, 0).astype(np.float32))
    endplates, film = sample.endplates_mm, sample.log_attenuation
    if endplates is not None:
        endplates = endplates + np.array([dx, 0, 0], np.float32)
    if film is not None:
        film = _moved(film, 0, cols, np.nan)
    return replace(moved, endplates_mm=endplates, log_attenuation=film)


def bend_depth(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """A smooth error of the depth camera: about a millimetre over a hand's breadth."""
    coarse = rng.normal(0, rng.uniform(0.2, 1.0), (8, 4)).astype(np.float32)
    smooth = cv2.resize(coarse, (BACK_VIEW.cols, BACK_VIEW.rows), interpolation=cv2.INTER_CUBIC)
    view = sample.view
    return _with_view(sample, surface_x_mm=np.where(view.mask, view.surface_x_mm + smooth, 0).astype(np.float32))


def pixel_noise(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """Residual noise of single pixels, up to half a millimetre."""
    view = sample.view
    noise = rng.standard_normal(view.mask.shape, dtype=np.float32) * np.float32(rng.uniform(0.05, 0.5))
    return _with_view(sample, surface_x_mm=np.where(view.mask, view.surface_x_mm + noise, 0).astype(np.float32))


Augmentation = Callable[[TrainingSample, np.random.Generator], TrainingSample]

AUGMENTATIONS: Final[tuple[tuple[float, Augmentation], ...]] = (
    (0.5, mirror),
    (0.5, drop_colour),
    (0.5, tint),
    (0.35, crop_neck),
    (0.35, crop_waist),
    (0.35, crop_sides),
    (0.3, trim_outline),
    (0.6, reshape_flanks),
    (0.2, punch_holes),
    (0.6, shift_height),
    (0.5, shift_depth),
    (0.4, bend_depth),
    (0.3, pixel_noise),
)
"""(probability, change), applied in this order."""


HARMLESS: Final = frozenset({mirror, drop_colour, tint})
"""Changes that variants whose surface is left alone go through as well."""


def augment(sample: TrainingSample, rng: np.random.Generator) -> TrainingSample:
    """A random variant of ``sample``; deterministic in ``rng``. The sample itself is left as it is."""
    as_seen = rng.random() < sample.as_seen
    for probability, change in AUGMENTATIONS:
        if rng.random() < probability and not (as_seen and change not in HARMLESS):
            sample = change(sample, rng)
    return sample
