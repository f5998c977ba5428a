"""Differentiable twins of ``edge.measure`` for the losses; validation itself goes through ``edge.measure``."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge.anatomy import ENDPLATE_INDEX, ENDPLATE_POINTS, SAGITTAL_ANGLES
from edge.measure.angles import sagittal_angles
from edge.measure.coronal import CURVE_LEVELS, MIN_SPAN, cobb_major
from export.model.config import SD_NAMES

ANTERIOR, POSTERIOR, LEFT, RIGHT = (ENDPLATE_POINTS.index(n) for n in ("anterior", "posterior", "left", "right"))

_CURVE_TOPS: Final = [ENDPLATE_INDEX[level, "superior"] for level in CURVE_LEVELS]
_CURVE_BOTTOMS: Final = [ENDPLATE_INDEX[level, "inferior"] for level in CURVE_LEVELS]
_CURVE_PAIRS: Final = np.triu_indices(len(CURVE_LEVELS), k=MIN_SPAN)


def _tilt_deg(rise: Tensor, run: Tensor) -> Tensor:
    # Early estimates may be degenerate; an endplate is never steeper than 80 degrees, so keep the run positive.
    return torch.atan2(rise, run.clamp(min=1.0)) * (180.0 / math.pi)


def sagittal_tilts(endplates_mm: Tensor) -> Tensor:
    """(B, 37, 4, 3) -> (B, 37) degrees, positive where the anterior rim is higher."""
    line = endplates_mm[:, :, ANTERIOR] - endplates_mm[:, :, POSTERIOR]
    return _tilt_deg(line[..., 1], line[..., 0])


def coronal_tilts(endplates_mm: Tensor) -> Tensor:
    """(B, 37, 4, 3) -> (B, 37) degrees, positive where the subject's right rim is higher."""
    line = endplates_mm[:, :, RIGHT] - endplates_mm[:, :, LEFT]
    return _tilt_deg(line[..., 1], line[..., 2])


def centreline_slopes(endplates_mm: Tensor) -> Tensor:
    """(B, 37, 4, 3) -> (B, 17) degrees: forward slope from each vertebral centre to the next below."""
    centres = endplates_mm[:, :36].reshape(endplates_mm.shape[0], 18, 8, 3).mean(dim=2)
    step = centres[:, 1:] - centres[:, :-1]
    return _tilt_deg(step[..., 0], -step[..., 1])


def endplate_angles(tilts_deg: Tensor) -> Tensor:
    """(B, 37) sagittal tilts -> (B, 6) angles of ``edge.anatomy.SAGITTAL_ANGLES``."""
    zero = torch.zeros_like(tilts_deg[:, 0])
    columns = []
    for angle in SAGITTAL_ANGLES:
        cranial = tilts_deg[:, ENDPLATE_INDEX[angle.cranial]] if angle.cranial else zero
        caudal = tilts_deg[:, ENDPLATE_INDEX[angle.caudal]] if angle.caudal else zero
        columns.append(angle.sign * (caudal - cranial))
    return torch.stack(columns, dim=1)


def cobb_angle(tilts_deg: Tensor) -> Tensor:
    """(B, 37) coronal tilts -> (B,) major Cobb angle, NaN where a tilt of T1..L5 is."""
    upper, lower = _CURVE_PAIRS
    differences = tilts_deg[:, _CURVE_TOPS][:, upper] - tilts_deg[:, _CURVE_BOTTOMS][:, lower]
    return differences.abs().amax(dim=1)


def measured_angles(endplates_mm: NDArray[np.floating]) -> NDArray[np.float32]:
    """(9,) float32 degrees in the order of ``SD_NAMES``, by ``edge.measure``, for one (37, 4, 3) subject."""
    values = sagittal_angles(endplates_mm)
    values["cobb_major"] = cobb_major(endplates_mm).value_deg
    return np.array([values[name] for name in SD_NAMES], np.float32)
