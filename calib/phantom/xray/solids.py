"""Closed solids that the anatomy is put together from: lofts through rings, tubes along paths, ellipsoids.

A ``Solids`` is a bag of triangles with the attenuation that each one's mesh adds per millimetre to what surrounds
it: a shell is an outer mesh plus an inner one of negative sign, air in the belly is a mesh of minus soft tissue.
Everything is batched over a leading axis, because a column alone has some three hundred tubes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Solids:
    """triangles_mm: (T, 3, 3), subject frame, outward; added_per_mm: (T,) attenuation added per mm of chord."""

    triangles_mm: F64
    added_per_mm: F64

    @staticmethod
    def of(meshes_mm: F64, added_per_mm: ArrayLike) -> Solids:
        """From (B, T, 3, 3) triangles of B closed meshes and their (B,) or scalar attenuation."""
        weight = np.broadcast_to(np.asarray(added_per_mm, dtype=np.float64).reshape(-1, 1), meshes_mm.shape[:2])
        return Solids(meshes_mm.reshape(-1, 3, 3), weight.ravel())

    @staticmethod
    def joined(parts: Iterable[Solids]) -> Solids:
        """All of them in one bag."""
        every = list(parts)
        return Solids(
            np.concatenate([p.triangles_mm for p in every]), np.concatenate([p.added_per_mm for p in every])
        )


@dataclass(frozen=True)
class Ellipsoids:
    """centres_mm: (N, 3); axes_mm: (N, 3, 3), rows are half axes; added_per_mm: (N,) as in ``Solids``."""

    centres_mm: F64
    axes_mm: F64
    added_per_mm: F64

    @staticmethod
    def joined(parts: Iterable[Ellipsoids]) -> Ellipsoids:
        """All of them in one bag."""
        every = list(parts)
        return Ellipsoids(
            np.concatenate([p.centres_mm for p in every]),
            np.concatenate([p.axes_mm for p in every]),
            np.concatenate([p.added_per_mm for p in every]),
        )


def ball(centre_mm: ArrayLike, half_mm: ArrayLike, added_per_mm: float, tilt_deg: float = 0.0) -> Ellipsoids:
    """One ellipsoid with half axes along x, y, z, tilted in the lateral plane (positive: anterior end up)."""
    axes = np.diag(np.broadcast_to(np.asarray(half_mm, dtype=np.float64), (3,)))
    c, s = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    return Ellipsoids(np.asarray(centre_mm, dtype=np.float64)[None], (axes @ turn)[None], np.array([added_per_mm]))


@lru_cache(maxsize=64)
def _faces(rings: int, around: int) -> NDArray[np.intp]:
    """(T, 3) vertex numbers of a loft: rings in order, then the middles of its first and of its last ring."""
    a = np.arange((rings - 1) * around).reshape(rings - 1, around)
    b = np.roll(a, -1, axis=1)
    wall = [np.stack([a, b, b + around], axis=-1), np.stack([a, b + around, a + around], axis=-1)]
    rim = np.arange(around)
    after = np.roll(rim, -1)
    last = (rings - 1) * around
    first_middle, last_middle = rings * around, rings * around + 1
    caps = [
        np.stack([np.full(around, first_middle), after, rim], axis=-1),
        np.stack([np.full(around, last_middle), rim + last, after + last], axis=-1),
    ]
    return np.concatenate([*(w.reshape(-1, 3) for w in wall), *caps])


def loft(rings_mm: F64) -> F64:
    """Closed outward meshes (B, T, 3, 3) through (B, n, m, 3) rings of m points; flat fans close both ends."""
    batch, n, m, _ = rings_mm.shape
    ends = rings_mm[:, [0, -1]].mean(axis=2)
    meshes = np.concatenate([rings_mm.reshape(batch, n * m, 3), ends], axis=1)[:, _faces(n, m)]
    return np.where((signed_volume(meshes) < 0)[:, None, None, None], meshes[:, :, ::-1], meshes)


def signed_volume(meshes_mm: F64) -> F64:
    """(B,) volumes in mm3 of (B, T, 3, 3) closed meshes, negative where they are inside out."""
    a, b, c = (meshes_mm[:, :, k] - meshes_mm[:, :1, 0] for k in range(3))
    return np.asarray(
        (
            a[..., 0] * (b[..., 1] * c[..., 2] - b[..., 2] * c[..., 1])
            + a[..., 1] * (b[..., 2] * c[..., 0] - b[..., 0] * c[..., 2])
            + a[..., 2] * (b[..., 0] * c[..., 1] - b[..., 1] * c[..., 0])
        ).sum(axis=1)
        / 6.0
    )


def smooth_path(points: ArrayLike, count: int) -> F64:
    """(..., count, k) points on the Catmull-Rom curve through (..., n, k) control points."""
    p = np.asarray(points, dtype=np.float64)
    n = p.shape[-2]
    first, last = 2 * p[..., :1, :] - p[..., 1:2, :], 2 * p[..., -1:, :] - p[..., -2:-1, :]
    padded = np.concatenate([first, p, last], axis=-2)
    at = np.linspace(0.0, n - 1.0, count)
    k = np.minimum(at.astype(int), n - 2)
    t = (at - k)[:, None]
    p0, p1, p2, p3 = (padded[..., k + i, :] for i in range(4))
    return np.asarray(
        0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    )


def tube(path_mm: F64, half_mm: F64, across: ArrayLike, *, around: int = 10, exponent: float = 2.0) -> F64:
    """Closed tubes with rounded ends.

    Args:
        path_mm: (B, n, 3) stations.
        half_mm: (B, n, 2) half sizes of the section: along ``across`` and along the third direction.
        across: broadcastable to (B, n, 3): direction of the first half size; made perpendicular to the path.
        around: points per ring.
        exponent: superellipse exponent of the section.

    Returns:
        (B, T, 3, 3) triangles.
    """
    path, half = np.asarray(path_mm, dtype=np.float64), np.asarray(half_mm, dtype=np.float64)
    tangent = np.gradient(path, axis=1)
    tangent /= np.sqrt((tangent**2).sum(axis=-1, keepdims=True)) + 1e-12
    u = np.broadcast_to(np.asarray(across, dtype=np.float64), path.shape)
    u = u - (u * tangent).sum(axis=-1, keepdims=True) * tangent
    u = u / (np.sqrt((u**2).sum(axis=-1, keepdims=True)) + 1e-12)
    v = np.stack([
        tangent[..., 1] * u[..., 2] - tangent[..., 2] * u[..., 1],
        tangent[..., 2] * u[..., 0] - tangent[..., 0] * u[..., 2],
        tangent[..., 0] * u[..., 1] - tangent[..., 1] * u[..., 0],
    ], axis=-1)
    reach = 0.45 * half.min(axis=-1, keepdims=True)
    path = np.concatenate(
        [path[:, :1] - tangent[:, :1] * reach[:, :1], path, path[:, -1:] + tangent[:, -1:] * reach[:, -1:]], axis=1
    )
    half = np.concatenate([half[:, :1] * 0.6, half, half[:, -1:] * 0.6], axis=1)
    u, v = (np.concatenate([w[:, :1], w, w[:, -1:]], axis=1) for w in (u, v))
    angle = np.linspace(0.0, 2 * np.pi, around, endpoint=False)
    cos, sin = signed_power(np.cos(angle), 2.0 / exponent), signed_power(np.sin(angle), 2.0 / exponent)
    rings = path[:, :, None] + (half[..., :1] * cos)[..., None] * u[:, :, None]
    rings += (half[..., 1:] * sin)[..., None] * v[:, :, None]
    return loft(rings)


def bone_tube(
    path_mm: F64, half_mm: F64, across: ArrayLike, *, shell_mm: ArrayLike, cortical: ArrayLike, core: ArrayLike,
    around: int = 10, exponent: float = 2.0,
) -> Solids:
    """Tubes of bone: a cortical shell ``shell_mm`` thick around a core; both as attenuation added per mm, (B,).

    ``shell_mm`` is one number or broadcastable to ``half_mm`` (B, n, 2).
    """
    half = np.asarray(half_mm, dtype=np.float64)
    inner = np.maximum(half - np.asarray(shell_mm, dtype=np.float64), 0.12 * half)
    cortical, core = np.asarray(cortical, dtype=np.float64), np.asarray(core, dtype=np.float64)
    return Solids.joined([
        Solids.of(tube(path_mm, half, across, around=around, exponent=exponent), cortical),
        Solids.of(tube(path_mm, inner, across, around=around, exponent=exponent), core - cortical),
    ])


def signed_power(value: F64, power: float) -> F64:
    """sign(v) |v|^p, elementwise: the superellipse's way of sine and cosine."""
    return np.asarray(np.sign(value) * np.abs(value) ** power)
