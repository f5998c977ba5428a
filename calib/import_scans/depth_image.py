"""The ideal depth image of a scanned back: its points triangulated as the camera sees them, and interpolated.

A scanner's points are about as far apart as a depth camera's pixels, so drawing points alone would leave a sieve.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from scipy.spatial import Delaunay

from edge.frame import Intrinsics

# Points of one surface lie about 2.5 mm apart; a longer edge bridges two surfaces or the air beside the back.
LONGEST_EDGE_MM = 15.0


def _nearest_per_cell(pixels: NDArray[np.float64], depth_mm: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the nearest point in each half-pixel cell: what lies behind another point is not seen."""
    cells = np.floor(pixels * 2.0).astype(np.int64)
    key = cells[:, 1] * (1 << 32) + cells[:, 0]
    order = np.lexsort((depth_mm, key))
    first = np.ones(len(order), bool)
    first[1:] = key[order][1:] != key[order][:-1]
    return order[first]


def depth_image(points_mm: NDArray[np.float64], intrinsics: Intrinsics) -> NDArray[np.float32]:
    """(H, W) float32 depth in metres of a surface given by (N, 3) points in camera millimetres; 0 beside it.

    Depth is interpolated linearly in 1/z within each triangle, which is exact for a plane. Holes enclosed by the
    surface are closed in the same way.
    """
    points = points_mm[points_mm[:, 2] > 1.0]
    focal = np.array([intrinsics.fx, intrinsics.fy])
    pixels = points[:, :2] / points[:, 2:] * focal + [intrinsics.cx, intrinsics.cy]
    kept = _nearest_per_cell(pixels, points[:, 2])
    points, pixels = points[kept], pixels[kept]

    low = np.maximum(np.floor(pixels.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 1, [intrinsics.width, intrinsics.height])
    depth = np.zeros((intrinsics.height, intrinsics.width), np.float32)
    if (high <= low).any():
        return depth
    columns, rows = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    wanted = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64)

    mesh = Delaunay(pixels)
    corners = points[mesh.simplices]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    triangle = mesh.find_simplex(wanted)
    affine = mesh.transform[triangle]
    partial = np.einsum("nij,nj->ni", affine[:, :2], wanted - affine[:, 2])
    weights = np.concatenate([partial, 1.0 - partial.sum(axis=1, keepdims=True)], axis=1)
    inverse = (weights / points[:, 2][mesh.simplices[triangle]]).sum(axis=1)

    inside = triangle >= 0
    on_surface = (inside & (edges.max(axis=1)[triangle] <= LONGEST_EDGE_MM)).reshape(columns.shape)
    drawn = binary_fill_holes(on_surface) & inside.reshape(columns.shape)
    window = np.where(drawn, 1.0 / (1000.0 * inverse.reshape(columns.shape)), 0.0)
    depth[low[1] : high[1], low[0] : high[0]] = np.nan_to_num(window, nan=0.0, posinf=0.0, neginf=0.0)
    return depth
