"""Chord lengths of closed triangle meshes and of ellipsoids along parallel lateral rays.

A ray through a closed mesh enters and leaves: the sum of the signed depths of the triangles that it meets is the
length inside. So overlapping solids simply add up, and no ray has to be traced.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from edge.view.grid import Grid

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]


@numba.njit(cache=True)
def _edge_u(row: float, ua: float, va: float, ub: float, vb: float) -> float:
    return ua + (row - va) * (ub - ua) / (vb - va)


@numba.njit(cache=True)
def _triangles(out: F32, uvz: F64, weight: F64) -> None:
    rows, cols = out.shape
    for t in range(uvz.shape[0]):
        a, b, c = 0, 1, 2
        if uvz[t, b, 1] < uvz[t, a, 1]:
            a, b = b, a
        if uvz[t, c, 1] < uvz[t, b, 1]:
            b, c = c, b
        if uvz[t, b, 1] < uvz[t, a, 1]:
            a, b = b, a
        u0, v0, z0 = uvz[t, a]
        u1, v1, z1 = uvz[t, b]
        u2, v2, z2 = uvz[t, c]
        first, last = max(math.ceil(v0), 0), min(math.ceil(v2), rows)
        if first >= last:
            continue
        o = uvz[t]
        area = (o[1, 0] - o[0, 0]) * (o[2, 1] - o[0, 1]) - (o[2, 0] - o[0, 0]) * (o[1, 1] - o[0, 1])
        if area == 0.0:
            continue
        z_du = ((o[1, 2] - o[0, 2]) * (o[2, 1] - o[0, 1]) - (o[2, 2] - o[0, 2]) * (o[1, 1] - o[0, 1])) / area
        z_dv = ((o[2, 2] - o[0, 2]) * (o[1, 0] - o[0, 0]) - (o[1, 2] - o[0, 2]) * (o[2, 0] - o[0, 0])) / area
        low, high = min(z0, z1, z2), max(z0, z1, z2)
        gain = weight[t] if area > 0.0 else -weight[t]
        for row in range(first, last):
            # Shared edges are cut with the same operands in both neighbours, and intervals are half open:
            # every ray meets exactly one of them, so no seam shows.
            left = _edge_u(row, u0, v0, u2, v2)
            right = _edge_u(row, u0, v0, u1, v1) if row < v1 else _edge_u(row, u1, v1, u2, v2)
            if right < left:
                left, right = right, left
            start, stop = max(math.ceil(left), 0), min(math.ceil(right), cols)
            z = o[0, 2] + (row - o[0, 1]) * z_dv + (start - o[0, 0]) * z_du
            for col in range(start, stop):
                out[row, col] += gain * min(max(z, low), high)
                z += z_du


@numba.njit(cache=True)
def _ellipsoids(out: F32, centre: F64, shape: F64, weight: F64) -> None:
    rows, cols = out.shape
    for i in range(centre.shape[0]):
        m = shape[i]  # (p - c)^T m (p - c) <= 1, axes u (px), v (px), z (mm)
        det_uu = m[0, 0] - m[0, 2] * m[0, 2] / m[2, 2]
        det_vv = m[1, 1] - m[1, 2] * m[1, 2] / m[2, 2]
        det_uv = m[0, 1] - m[0, 2] * m[1, 2] / m[2, 2]
        det = det_uu * det_vv - det_uv * det_uv
        half_v, half_u = math.sqrt(det_uu / det), math.sqrt(det_vv / det)
        cu, cv = centre[i, 0], centre[i, 1]
        for row in range(max(math.ceil(cv - half_v), 0), min(math.floor(cv + half_v) + 1, rows)):
            dv = row - cv
            for col in range(max(math.ceil(cu - half_u), 0), min(math.floor(cu + half_u) + 1, cols)):
                du = col - cu
                inside = 1.0 - (det_uu * du * du + 2.0 * det_uv * du * dv + det_vv * dv * dv)
                if inside > 0.0:
                    out[row, col] += weight[i] * 2.0 * math.sqrt(inside / m[2, 2])


def add_meshes(out: F32, triangles_mm: F64, weight: F64, grid: Grid) -> None:
    """Add weight x chord length (mm) of closed meshes to ``out``.

    Args:
        out: (rows, cols) float32 on ``grid``, changed in place.
        triangles_mm: (T, 3, 3) corners, subject frame; all triangles of every mesh, outward orientation
            (see ``calib.phantom.xray.solids``).
        weight: (T,) attenuation per mm of each triangle's mesh.
        grid: lateral grid (x anterior to the left, y up).
    """
    uvz = np.empty_like(triangles_mm)
    uvz[..., 0] = grid.col_of(triangles_mm[..., 0])
    uvz[..., 1] = grid.row_of(triangles_mm[..., 1])
    uvz[..., 2] = triangles_mm[..., 2]
    _triangles(out, uvz, np.ascontiguousarray(weight, dtype=np.float64))


def add_ellipsoids(out: F32, centres_mm: F64, axes_mm: F64, weight: F64, grid: Grid) -> None:
    """Add weight x chord length (mm) of ellipsoids to ``out``.

    Args:
        out: (rows, cols) float32 on ``grid``, changed in place.
        centres_mm: (N, 3) centres, subject frame.
        axes_mm: (N, 3, 3) rows are the three half axes as vectors, subject frame.
        weight: (N,) attenuation per mm.
        grid: lateral grid.
    """
    to_grid = np.array([-1.0 / grid.mm_per_px, -1.0 / grid.mm_per_px, 1.0])
    inverse = np.linalg.inv(np.asarray(axes_mm, dtype=np.float64) * to_grid)
    shape = inverse @ inverse.transpose(0, 2, 1)
    centre = np.stack([grid.col_of(centres_mm[:, 0]), grid.row_of(centres_mm[:, 1]), centres_mm[:, 2]], axis=1)
    _ellipsoids(out, centre, np.ascontiguousarray(shape), np.asarray(weight, dtype=np.float64))
