"""Height fields seen from behind: the form in which every part of the body is built, joined and turned to triangles.

A field holds, on a regular grid in (y, z), the x of the rearmost surface (posterior = smaller x), so a front of a
body cannot even be expressed. Beyond a part's outline its field falls away forwards, which gives joins their fillets
and outlines their sub-cell position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

FALL: Final = 4.0
"""Slope (mm of x per mm) with which a field recedes beyond its part's outline."""


@dataclass(frozen=True)
class HeightField:
    """One layer of the body's rear surface.

    y_mm: (R,) descending; z_mm: (C,) ascending. x_mm: (R, C) subject frame. inside_mm: (R, C), how far in front of
    the surface the part's outline lies; the surface exists where it is positive. albedo: (R, C, 3) linear RGB.
    gloss: (R, C) 0..1, how dark or shiny the stuff is to the infrared projector (hair, black cloth): loses depth.
    """

    y_mm: Field
    z_mm: Field
    x_mm: Field
    inside_mm: Field
    albedo: Field
    gloss: Field


@dataclass(frozen=True)
class Mesh:
    """Triangles of the rear surface: vertices_mm (V, 3) and normals (V, 3) in the subject frame, float32."""

    vertices_mm: Field
    normals: Field
    albedo: Field
    gloss: Field
    triangles: NDArray[np.int32]


def smooth_min(a: Field, b: Field, width_mm: Field | float) -> Field:
    """Rearmost of two fields, filleted where they are within ``width_mm`` of each other (polynomial smooth minimum)."""
    reach = np.maximum(width_mm - np.abs(a - b), 0.0) / np.maximum(width_mm, 1e-3)
    return np.asarray(np.minimum(a, b) - reach * reach * width_mm * 0.25, dtype=np.float32)


def smooth_step(value: Field) -> Field:
    """0 below 0, 1 above 1, cubic between."""
    t = np.clip(value, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)


def rounded(radius_share: Field) -> Field:
    """Profile of an ellipse over -1..1 (1 in the middle), falling on steeply beyond."""
    inside = np.sqrt(np.maximum(1.0 - radius_share * radius_share, 0.0))
    return np.asarray(np.where(np.abs(radius_share) < 1.0, inside, 1.0 - np.abs(radius_share)), dtype=np.float32)


def grid(top_mm: float, bottom_mm: float, left_mm: float, right_mm: float, step_mm: float) -> tuple[Field, Field]:
    """Rows (descending y) and columns (ascending z) of a field."""
    rows = int(np.ceil((top_mm - bottom_mm) / step_mm)) + 1
    cols = int(np.ceil((right_mm - left_mm) / step_mm)) + 1
    y = np.float32(top_mm) - np.arange(rows, dtype=np.float32) * np.float32(step_mm)
    return y, np.float32(left_mm) + np.arange(cols, dtype=np.float32) * np.float32(step_mm)


def triangulate(field: HeightField) -> Mesh:
    """Turn a field to triangles; outline vertices are moved to where ``inside_mm`` passes zero."""
    step = float(field.z_mm[1] - field.z_mm[0])
    rows, cols = field.x_mm.shape
    y = np.repeat(field.y_mm[:, None], cols, axis=1)
    z = np.repeat(field.z_mm[None, :], rows, axis=0)
    x = field.x_mm.copy()
    inside = field.inside_mm > 0.0

    # Each outer vertex next to an inner one slides towards the mean of its inner neighbours until it meets the outline.
    count = np.zeros(inside.shape, np.float32)
    sums = np.zeros((4, *inside.shape), np.float32)
    values = (x, y, z, field.inside_mm)
    for dr, dc in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)):
        to = (slice(max(dr, 0), rows + min(dr, 0)), slice(max(dc, 0), cols + min(dc, 0)))
        of = (slice(max(-dr, 0), rows + min(-dr, 0)), slice(max(-dc, 0), cols + min(-dc, 0)))
        count[to] += inside[of]
        for total, value in zip(sums, values, strict=True):
            total[to] += np.where(inside[of], value[of], 0.0)
    edge = ~inside & (count > 0)
    mean = sums[:, edge] / count[edge]
    outer = field.inside_mm[edge]
    share = outer / np.minimum(outer - mean[3], -1e-3)  # 0: stays; 1: moves onto the inner neighbours
    share = np.clip(share, 0.0, 0.95)
    for value, target in zip((x, y, z), mean[:3], strict=True):
        value[edge] += share * (target - value[edge])
    # What lies outside carries a steep, meaningless x: keep the outline's.
    x[edge] = np.minimum(x[edge], mean[0] + 12.0 * step)

    vertex = np.arange(rows * cols, dtype=np.int32).reshape(rows, cols)
    a, b, c, d = vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, :-1], vertex[1:, 1:]
    quads = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    used = (inside | edge).ravel()
    keep = used[quads].all(axis=1) & inside.ravel()[quads].any(axis=1)

    gy, gz = np.gradient(field.x_mm, -step, step)
    normals = np.stack([np.full_like(gy, -1.0), gy, gz], -1)  # pointing backwards, out of the skin
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return Mesh(
        np.stack([x, y, z], -1).reshape(-1, 3),
        normals.reshape(-1, 3).astype(np.float32),
        field.albedo.reshape(-1, 3),
        field.gloss.reshape(-1),
        np.ascontiguousarray(quads[keep]),
    )


def joined(meshes: list[Mesh]) -> Mesh:
    """One mesh of several."""
    start = np.cumsum([0] + [len(m.vertices_mm) for m in meshes])
    return Mesh(
        np.concatenate([m.vertices_mm for m in meshes]),
        np.concatenate([m.normals for m in meshes]),
        np.concatenate([m.albedo for m in meshes]),
        np.concatenate([m.gloss for m in meshes]),
        np.concatenate([m.triangles + np.int32(s) for m, s in zip(meshes, start, strict=False)]),
    )
