"""Perspective rendering of triangles with a z-buffer, exact below the pixel: depth is interpolated as 1/z."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@numba.njit(cache=True, fastmath=True)  # type: ignore[misc,unused-ignore]
def rasterise(
    u: Any, v: Any, inverse_z: Any, values: Any, triangles: Any, nearest: Any, painted: Any
) -> None:
    """Draw triangles into ``nearest`` (H, W) float32 of 1/z (0 = nothing yet) and ``painted`` (H, W, K) float32.

    u, v: (V,) float32 pixel coordinates (pixel centres at integers); inverse_z: (V,) float32, positive in front of
    the camera; values: (V, K) float32, interpolated perspective-correctly; triangles: (T, 3) int32.
    """
    height, width = nearest.shape
    channels = values.shape[1]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        wa, wb, wc = inverse_z[a], inverse_z[b], inverse_z[c]
        if wa <= 0.0 or wb <= 0.0 or wc <= 0.0:
            continue
        ua, va, ub, vb, uc, vc = u[a], v[a], u[b], v[b], u[c], v[c]
        left = max(int(np.ceil(min(ua, ub, uc))), 0)
        right = min(int(np.floor(max(ua, ub, uc))), width - 1)
        top = max(int(np.ceil(min(va, vb, vc))), 0)
        bottom = min(int(np.floor(max(va, vb, vc))), height - 1)
        if left > right or top > bottom:
            continue
        area = (ub - ua) * (vc - va) - (uc - ua) * (vb - va)
        if abs(area) < 1e-9:
            continue
        scale = np.float32(1.0) / area
        for row in range(top, bottom + 1):
            for col in range(left, right + 1):
                sb = ((col - ua) * (vc - va) - (uc - ua) * (row - va)) * scale
                sc = ((ub - ua) * (row - va) - (col - ua) * (vb - va)) * scale
                sa = np.float32(1.0) - sb - sc
                if sa < -1e-5 or sb < -1e-5 or sc < -1e-5:
                    continue
                w = sa * wa + sb * wb + sc * wc
                if w > nearest[row, col]:
                    nearest[row, col] = w
                    pa, pb, pc = sa * wa / w, sb * wb / w, sc * wc / w
                    for k in range(channels):
                        painted[row, col, k] = pa * values[a, k] + pb * values[b, k] + pc * values[c, k]


@numba.njit(cache=True, fastmath=True)  # type: ignore[misc,unused-ignore]
def fill_planes(nearest: Any, painted: Any, rays: Any, planes: Any, colours: Any, farthest: Any) -> None:
    """Fill what is still empty with the nearest of some planes.

    rays: (4,) fx, fy, cx, cy. planes: (P, 4) normal and offset in the camera frame: n . p = d, in the unit of z.
    colours: (P, K). farthest: nothing beyond this z is seen.
    """
    height, width = nearest.shape
    fx, fy, cx, cy = rays[0], rays[1], rays[2], rays[3]
    for row in range(height):
        y = (row - cy) / fy
        for col in range(width):
            if nearest[row, col] > 0.0:
                continue
            x = (col - cx) / fx
            best, which = farthest, -1
            for p in range(planes.shape[0]):
                along = planes[p, 0] * x + planes[p, 1] * y + planes[p, 2]
                if abs(along) < 1e-6:
                    continue
                z = planes[p, 3] / along
                if 0.0 < z < best:
                    best, which = z, p
            if which >= 0:
                nearest[row, col] = 1.0 / best
                for k in range(painted.shape[2]):
                    painted[row, col, k] = colours[which, k]
