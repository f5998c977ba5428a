"""Vertebral bodies built on the rim points of their endplates, so that wedge, tilt and rotation follow by themselves.

A body is a kidney-shaped drum with a concave waist and hollowed endplates: a cortical solid with a trabecular core,
denser under its endplates and walls. Endplates are thin and soft in young subjects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.xray.attenuation import CORTICAL, SOFT, TRABECULAR
from calib.phantom.xray.solids import Solids, loft, signed_power

F64 = NDArray[np.float64]

_AROUND: Final = 32
_ENDPLATE_RADII: Final = np.array([0.15, 0.40, 0.62, 0.80, 0.93, 1.0])
_WALL: Final = np.array([0.05, 0.14, 0.3, 0.5, 0.7, 0.86, 0.95])
_RIM_EXPONENT: Final = 2.35
_ANGLE: Final = np.linspace(0.0, 2 * np.pi, _AROUND, endpoint=False)


@dataclass(frozen=True)
class Frames:
    """The frames of B vertebrae: origins at the centres of their bodies, axes forward, up, right.

    origin_mm: (B, 3); axes: (B, 3, 3) unit rows; depth_mm, height_mm, width_mm: (B,) mean sizes of the bodies.
    """

    origin_mm: F64
    axes: F64
    depth_mm: F64
    height_mm: F64
    width_mm: F64

    def at(self, local_mm: F64) -> F64:
        """(B, n, 3) subject-frame points of (B, n, 3) points given as forward, up, right of the body's centre."""
        return np.asarray(self.origin_mm[:, None] + local_mm @ self.axes)

    def twice(self) -> Frames:
        """Every frame once for the left and once for the right side: (2 B) frames."""
        return Frames(*(np.concatenate([a, a]) for a in (
            self.origin_mm, self.axes, self.depth_mm, self.height_mm, self.width_mm
        )))


def frames_of(rims_mm: F64) -> Frames:
    """Frames of bodies from (B, 2, 4, 3) superior and inferior rim points (anterior, posterior, left, right)."""
    forward = (rims_mm[:, :, 0] - rims_mm[:, :, 1]).mean(axis=1)
    right = (rims_mm[:, :, 3] - rims_mm[:, :, 2]).mean(axis=1)
    up = rims_mm[:, 0].mean(axis=1) - rims_mm[:, 1].mean(axis=1)
    depth, height, width = (np.linalg.norm(v, axis=1) for v in (forward, up, right))
    x = forward / depth[:, None]
    z = right - (right * x).sum(axis=1, keepdims=True) * x
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    axes = np.stack([x, np.cross(z, x), z], axis=1)
    return Frames(rims_mm.reshape(-1, 8, 3).mean(axis=1), axes, depth, height, width)


def _rim(rim_mm: F64, notch: float, wave_mm: F64) -> F64:
    """(B, 1, m, 3) closed curves through (B, 4, 3) rim points.

    ``notch``: how far the corners pass the posterior point; ``wave_mm``: (B, 2, 3) waves of the rim out of its plane.
    """
    c, s = (signed_power(f(_ANGLE), 2.0 / _RIM_EXPONENT)[:, None] for f in (np.cos, np.sin))
    centre = rim_mm.mean(axis=1)[:, None]
    anterior, posterior, left, right = (rim_mm[:, k, None] - centre for k in range(4))
    # The posterior wall is flat or hollow: its corners lie behind its middle.
    corner = notch * np.clip(-np.cos(_ANGLE), 0.0, None)[:, None] * (2.2 - 1.6 * np.abs(s)) * s**2
    wave = np.stack([np.sin(2 * _ANGLE), np.sin(4 * _ANGLE)], axis=1) @ wave_mm
    rim = centre + wave + np.maximum(c, 0) * anterior + (np.maximum(-c, 0) + corner) * posterior
    return np.asarray(rim + np.maximum(s, 0) * right + np.maximum(-s, 0) * left)[:, None]


def _drums(rims_mm: F64, dip_mm: F64, waist: F64, notch: float, wave_mm: F64) -> F64:
    """(B, T, 3, 3) bodies on (B, 2, 4, 3) rims with endplates hollowed by ``dip_mm`` (B,) and a waist (B,)."""
    axis = rims_mm[:, 0].mean(axis=1) - rims_mm[:, 1].mean(axis=1)
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    # Rims are not flat: their waves pass through the four landmarks and widen the line that an endplate draws.
    waves = wave_mm[..., None] * axis[:, None, None]
    top, bottom = _rim(rims_mm[:, 0], notch, waves[:, 0]), _rim(rims_mm[:, 1], notch, waves[:, 1])
    radii = _ENDPLATE_RADII[:, None, None]
    hollow = np.clip(1.0 - (radii / 0.95) ** 2.6, 0.0, 1.0) * (dip_mm[:, None] * axis)[:, None, None]
    wall = _WALL[:, None, None]
    # The front and the sides have the waist, the back has little.
    narrow = waist[:, None, None, None] * np.sin(np.pi * wall) ** 0.9 * (0.75 + 0.45 * np.cos(_ANGLE))[:, None]
    middle = top + wall * (bottom - top)
    centre = middle.mean(axis=2, keepdims=True)
    top_centre, bottom_centre = top.mean(axis=2, keepdims=True), bottom.mean(axis=2, keepdims=True)
    # The lower endplate is hollowest behind its middle, the upper one is nearly even.
    behind = (1.0 - 0.35 * np.cos(_ANGLE))[:, None]
    rings = [
        top_centre + radii * (top - top_centre) - 0.75 * hollow,
        centre + (1.0 - narrow) * (middle - centre),
        (bottom_centre + radii * (bottom - bottom_centre) + hollow * behind)[:, ::-1],
    ]
    return loft(np.concatenate(rings, axis=1))


def _shrunk(rims_mm: F64, end_mm: float, wall_mm: float) -> F64:
    """Rim points moved inwards by ``wall_mm`` in the plane of each endplate and by ``end_mm`` along the axis."""
    centre = rims_mm.mean(axis=2, keepdims=True)
    arm = rims_mm - centre
    length = np.linalg.norm(arm, axis=3, keepdims=True)
    axis = centre[:, :1] - centre[:, 1:]
    axis /= np.linalg.norm(axis, axis=3, keepdims=True)
    along = np.array([-end_mm, end_mm])[:, None, None] * axis
    return np.asarray(centre + arm * (1.0 - wall_mm / length) + along)


def bodies(
    rims_mm: F64, *, dip_mm: F64, waist: F64, density: F64, maturity: float, wave_mm: F64, notch: float = 0.12
) -> Solids:
    """Solids of B vertebral bodies.

    Args:
        rims_mm: (B, 2, 4, 3) superior and inferior rim points, subject frame.
        dip_mm: (B,) depth of the endplates' hollow.
        waist: (B,) share by which the middle is narrower than the rims.
        density: (B,) factor on the bone's attenuation above soft tissue.
        maturity: 0 (child, thin endplates) to 1 (grown).
        wave_mm: (B, 2, 2) second and fourth harmonic of the superior and inferior rim out of their planes.
        notch: hollow of the posterior wall, share of the half depth.
    """
    cortical, core = density * (CORTICAL - SOFT), density * (TRABECULAR - SOFT)
    end_mm, wall_mm = 0.75 + 0.30 * maturity, 0.28 + 0.12 * maturity
    layers = (
        (rims_mm, cortical),
        (_shrunk(rims_mm, end_mm, wall_mm), 1.3 * core - cortical),
        (_shrunk(rims_mm, end_mm + 2.2, wall_mm + 1.2), -0.3 * core),
    )
    return Solids.joined(Solids.of(_drums(rims, dip_mm, waist, notch, wave_mm), weight) for rims, weight in layers)
