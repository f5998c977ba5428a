"""The broad contour of the back across the mid-line: how far the sides stand out behind the furrow, and how unevenly.

On surface scans of adolescents the skin beside the spine lies about a centimetre behind the furrow from shoulder to
loin and comes forward again only towards the flanks; both that bulk and the difference between right and left vary
between subjects far more than the axial rotation of the vertebrae explains. Heights and offsets are at a stature of
1600 mm and scale with it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from calib.phantom.height_field import Field
from calib.phantom.subject import Subject
from calib.phantom.tiers import tier_named
from calib.phantom.trunk import TrunkRows, turn_deg

STREAM: Final = 19

# Bulk at 60 mm from the mid-line against a superelliptic trunk: mean and spread between subjects, and the spread
# along one back. Twelve scans of adolescents with scoliosis: skin 8-10 mm behind the furrow at 60 mm, SD 4-6 mm.
_BULK_MM: Final = 13.5
_BULK_SD_MM: Final = 3.0
_BULK_ALONG_SD_MM: Final = 2.2
_BULK_UNEVEN_AT: Final = ((0.05, 0.2, 0.45, 0.9), (2.3, 1.9, 0.9, 1.1))  # factor on it: loins differ most
_REACH_MM: Final = 46.0  # width over which the bulk rises beside the furrow ...
_REACH_SD_MM: Final = 5.0
# Flanks: what remains at 100 mm has SD 5-9 mm on the scans.
_FLANK_MM: Final = 50.0
_FLANK_SD_MM: Final = 3.5
# Mean of it by height, share of S1-C7: the waist falls off, the lower ribs are flat.
_FLANK_AT: Final = (
    (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0),
    (0.0, -3.0, -5.5, -4.0, 0.0, 4.0, 5.0, 3.0, 1.0, 0.0),
)
# Half the difference between right and left at 60 mm: SD 4.7 mm between subjects and 4-6 mm along one back, beyond
# what goes with the curve. A part of the first is the turn of the whole trunk, which the mount draws for itself.
_UNEVEN_SD_MM: Final = 2.3
_UNEVEN_ALONG_SD_MM: Final = 3.0
# Ribs and muscles that a turned vertebra pushes backwards on the one side stand out beside the furrow, and lower the
# further out, as ribs fall to the side. On scans the difference between right and left goes with the column's swing,
# r -0.61 at 30 mm, -0.66 at 60, -0.58 at 90, and with the swing 40 mm higher up r -0.53, -0.75 and -0.75.
_RIBS_TURN: Final = 0.44  # turn of the sides per turn of the vertebra at whose ribs they lie
_HUMP_MM_PER_DEG: Final = 0.15
_HUMP_SD: Final = 0.5  # between subjects, as a share of both
_HUMP_AT_MM: Final = 45.0
_RIB_SLOPE: Final = 0.5
_RIB_DROP_MM: Final = 50.0
_LENGTH: Final = 0.22  # correlation length along the back, as a share of its height


def contour(subject: Subject, rows: TrunkRows, z_mm: Field) -> Field:
    """Millimetres by which the skin stands out backwards, (R, C) float32; zero on the spinous line."""
    rng = np.random.default_rng([subject.traits.seed, STREAM])
    vary = tier_named(subject.tier).muscle_variation
    scale = subject.traits.stature_mm / 1600.0
    share = rows.y_mm[:, 0] / float(subject.spine_photo.centres_mm[0, 1])
    bulk_subject, reach, uneven_subject = rng.standard_normal(3)
    bulk_along, flank_along, uneven_along = (_along(rng, share) for _ in range(3))

    along = _BULK_ALONG_SD_MM * np.interp(share, *_BULK_UNEVEN_AT) * bulk_along
    bulk = _BULK_MM + vary * (_BULK_SD_MM * bulk_subject + along)
    bulk = np.maximum(bulk, 2.0) * np.interp(share, (-0.05, 0.15), (0.45, 1.0))  # the furrow ends over the sacrum
    flank = np.interp(share, *_FLANK_AT) + vary * _FLANK_SD_MM * flank_along * np.interp(share, (0.3, 0.5), (1.5, 1.0))
    uneven = vary * (_UNEVEN_SD_MM * uneven_subject + _UNEVEN_ALONG_SD_MM * uneven_along)
    out = (z_mm[None, :] - rows.spinous_z_mm) / scale
    width = _REACH_MM + vary * _REACH_SD_MM * np.clip(reach, -2.5, 2.5)
    rise = 1.0 - np.exp(-((out / width) ** 2))
    beyond = np.minimum(np.maximum(np.abs(out) - _FLANK_MM, 0.0) / _FLANK_MM, 1.8) ** 1.5
    side = (out / 60.0) * ((1.0 + (60.0 / 40.0) ** 2) / (1.0 + (out / 40.0) ** 2)) ** 0.17
    turn = turn_deg(subject, rows.y_mm + scale * np.minimum(_RIB_SLOPE * np.abs(out), _RIB_DROP_MM))
    beside = out / _HUMP_AT_MM
    per_degree = _HUMP_MM_PER_DEG * beside * np.exp(0.5 - 0.5 * beside**2) + np.deg2rad(_RIBS_TURN) * out
    hump = max(-0.3, 1.0 + vary * _HUMP_SD * rng.standard_normal()) * turn * per_degree
    total = hump + bulk[:, None] * rise + flank[:, None] * beyond + uneven[:, None] * side
    return np.asarray(scale * total, dtype=np.float32)


def _along(rng: np.random.Generator, share: Field) -> Field:
    """(R,) unit-variance Gaussian process over the share of the height (0 at S1, 1 at C7), held beyond -0.3 and 1.2."""
    knots = np.arange(-0.3, 1.2 + 1e-6, 0.5 * _LENGTH)
    lag = knots[:, None] - knots
    root = np.linalg.cholesky(np.exp(-0.5 * (lag / _LENGTH) ** 2) + 1e-6 * np.eye(knots.size))
    values = root @ rng.standard_normal(knots.size)
    # Normalised Gaussian interpolation keeps the process smooth between the knots.
    lag = knots[:, None] - np.clip(share, knots[0], knots[-1])
    weights = np.linalg.solve(root @ root.T, np.exp(-0.5 * (lag / _LENGTH) ** 2))
    return np.asarray(values @ weights, dtype=np.float32)
