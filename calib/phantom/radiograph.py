"""Renders a subject's standing lateral radiograph: anatomy as solids, Beer-Lambert along parallel rays, detector.

Rays are horizontal, so row r is one height; structures far from the mid-plane are magnified a little, as the fan
of the beam does. The column itself is projected exactly, so that landmarks and picture agree.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Subject
from calib.phantom.xray import abdomen, arms, head, lungs, pelvis, ribs
from calib.phantom.xray.chest import chest_of
from calib.phantom.xray.column import column, neck_rims
from calib.phantom.xray.detector import draw_exposure, record
from calib.phantom.xray.outline import add_trunk, outline_of
from calib.phantom.xray.picture import LateralImage
from calib.phantom.xray.rasterise import add_ellipsoids, add_meshes
from calib.phantom.xray.solids import Solids
from calib.phantom.xray.texture import fractal
from edge.view.grid import Grid

F32 = NDArray[np.float32]

STREAM: Final = 21
"""Random stream of the radiograph: see ``calib.phantom.sampler.STREAMS``."""

SOURCE_MM: Final = 1200.0
"""Distance from the source to the mid-plane, which sets how much the near side is magnified."""

_ROWS: Final = 576
_COLS: Final = 304
_MM_PER_PX: Final = 1.5


def subject_grid(subject: Subject) -> Grid:
    """Grid of the radiograph in the subject frame: 864 x 456 mm that hold the body-frame grid with room to spare."""
    back = float(np.median(subject.torso.back_x_mm))
    return Grid(_ROWS, _COLS, _MM_PER_PX, subject.torso.shoulder_y_mm + 180.0, back + 330.0, -1)


def render_radiograph(subject: Subject, *, grid: Grid | None = None) -> LateralImage:
    """Render the lateral radiograph of ``subject`` in its ``spine_radiograph`` posture.

    Args:
        subject: the subject; its seed also seeds the anatomy and the noise.
        grid: pixels in the subject frame; by default ``subject_grid``.

    Returns:
        Log attenuation on the grid, anterior left.
    """
    grid = grid or subject_grid(subject)
    fine = Grid(2 * grid.rows, 2 * grid.cols, grid.mm_per_px / 2, grid.top_mm, grid.left_mm, grid.right_sign)
    anatomy, texture, noise = (np.random.default_rng([subject.traits.seed, STREAM, k]) for k in range(3))
    attenuation = attenuation_of(subject, fine, anatomy, texture)
    recorded = record(attenuation, fine.mm_per_px, draw_exposure(noise, subject.traits.bmi), noise)
    return LateralImage(recorded, grid)


def attenuation_of(
    subject: Subject, grid: Grid, rng: np.random.Generator, texture: np.random.Generator
) -> F32:
    """(rows, cols) float32 line integrals of attenuation on ``grid``, without scatter, blur or noise.

    Anatomy is drawn from ``rng`` alone, so it does not depend on the grid; ``texture`` is per pixel, and does.
    """
    spine, traits = subject.spine_radiograph, subject.traits
    scale = traits.stature_mm / 1650.0
    maturity = float(np.clip((traits.age_years - 10.0) / 7.0, 0.0, 1.0))
    density = float(rng.normal(0.92 + 0.08 * maturity, 0.04))
    neck = neck_rims(spine, rng)
    outline = outline_of(subject, float(neck[-1, 0, :, 1].mean()) + 8.0, rng)
    chest = chest_of(spine, outline, traits.stature_mm, rng)
    breath = lungs.breath_of(chest, rng)
    waist = np.array(60.0)
    belly = abdomen.Belly(
        back_mm=float(spine.centres_mm[14, 0]),
        front_mm=float(outline.at("front_mm", waist) - 1.3 * outline.at("fat_mm", waist)) - 10.0 * scale,
        floor_mm=float(spine.femoral_heads_mm[:, 1].mean()), scale=scale,
    )
    poses = arms.arm_poses(subject, chest, rng)
    limbs, flesh = arms.arm_flesh(poses, subject, chest)
    thighs, hips = pelvis.femora(spine, scale=scale, density=density, rng=rng)

    soft = np.zeros((grid.rows, grid.cols), dtype=np.float32)
    add_trunk(soft, outline, grid)
    _add(soft, grid, [_fanned(limbs, spine.centres_mm[1])])
    organs = abdomen.organs(belly, breath, rng)
    for group in (flesh, organs):
        add_ellipsoids(soft, group.centres_mm, group.axes_mm, group.added_per_mm, grid)
    grain = 1.0 + 0.012 * fractal(texture, soft.shape, 48.0 / grid.mm_per_px, 5, 0.7, 1.4)
    soft *= grain

    air = np.zeros_like(soft)
    centre = spine.centres_mm[8]
    _add(air, grid, [
        _fanned(lungs.lungs(chest, breath, lungs.mediastinum_of(chest, breath, rng)), centre),
        head.airway(neck, chest), abdomen.stomach_gas(belly, breath, rng),
    ])
    air *= 1.0 + 0.028 * fractal(texture, soft.shape, 12.0 / grid.mm_per_px, 3, 0.9)
    _add(air, grid, [lungs.vessels(chest, breath, rng)])
    air += abdomen.bowel_gas(belly, grid, rng, texture) * np.clip(0.7 * soft - 1.4, 0.0, 1.0)  # not in the thin rim

    bone = np.zeros_like(soft)
    _add(bone, grid, [
        column(spine, neck, maturity=maturity, rng=rng),
        pelvis.sacrum(spine, density=density, maturity=maturity, rng=rng),
    ])
    _add(bone, grid, [
        _fanned(part, centre)
        for part in (
            ribs.ribs(spine, chest, density=density, rng=rng),
            ribs.sternum(chest, density=density, maturity=maturity, rng=rng),
            pelvis.hip_bones(spine, scale=scale, density=density, rng=rng), thighs,
            arms.arm_bones(poses, chest, density=density, rng=rng), head.jaw(neck, scale, density, rng),
        )
    ])
    add_ellipsoids(bone, hips.centres_mm, hips.axes_mm, hips.added_per_mm, grid)
    bone *= 1.0 + 0.10 * fractal(texture, soft.shape, 3.0 / grid.mm_per_px, 2, 0.9, 1.5)
    bone *= 1.0 + 0.10 * fractal(texture, soft.shape, 22.0 / grid.mm_per_px, 2)
    skull = head.head_flesh_and_vault(neck, scale, density)
    add_ellipsoids(soft, skull.centres_mm, skull.axes_mm, skull.added_per_mm, grid)
    # No ray loses more to air than the soft tissue that it meets.
    return np.asarray(np.maximum(np.maximum(soft + air, np.minimum(soft, 0.1)) + bone, 0.0), dtype=np.float32)


def _add(out: F32, grid: Grid, parts: list[Solids]) -> None:
    solids = Solids.joined(parts)
    add_meshes(out, solids.triangles_mm, solids.added_per_mm, grid)


def _fanned(solids: Solids, centre_mm: NDArray[np.float64]) -> Solids:
    """Magnify what lies to the right of the column, where the source stands, and shrink what lies to its left."""
    triangles = solids.triangles_mm.copy()
    magnified = 1.0 / (1.0 - (triangles[..., 2] - centre_mm[2]) / SOURCE_MM)
    triangles[..., 0] = centre_mm[0] + (triangles[..., 0] - centre_mm[0]) * magnified
    return Solids(triangles, solids.added_per_mm)

