"""Scanned backs beside phantom backs, statistic by statistic: where a phantom differs, a model learns what is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge.cli.table import aligned
from export.evaluate.back_shape import HEIGHTS, OFFSETS_MM, BackShape, Values

APART: Final = 1.0
"""Means so many of the phantom's standard deviations apart are marked."""
APART_ERRORS: Final = 3.0
"""By height, means so many standard errors apart are marked."""
SPREAD: Final = (0.6, 1.6)
"""Ratios of the standard deviations (phantom over real) outside of which a row is marked."""


@dataclass(frozen=True)
class Statistic:
    """One number, or one per height, of a back."""

    label: str
    of: Callable[[BackShape], Values | float]
    digits: int = 1


BY_HEIGHT: Final = (
    Statistic("skin to centreline, mm", lambda b: b.depth_mm),
    Statistic("centreline before its chord, mm", lambda b: b.bow_mm),
    Statistic("lean of the skin forwards, deg", lambda b: b.lean_deg),
    *(Statistic(f"flank at {offset:.0f} mm, mm in front", lambda b, k=k: b.flanks_mm[k])  # type: ignore[misc]
      for k, offset in enumerate(OFFSETS_MM)),
    Statistic("turn of the surface, deg", lambda b: b.turn_deg - np.nanmedian(b.turn_deg)),
    Statistic("half width, mm", lambda b: b.half_width_mm),
    Statistic("centreline aside, mm", lambda b: b.deviation_mm),
)
ONE_NUMBER: Final = (
    Statistic("centreline kyphosis, deg", lambda b: b.centreline_deg[0]),
    Statistic("centreline lordosis, deg", lambda b: b.centreline_deg[1]),
    Statistic("Cobb, deg", lambda b: b.cobb_deg),
    Statistic("skin kyphosis, deg", lambda b: b.surface_deg[0]),
    Statistic("skin lordosis, deg", lambda b: b.surface_deg[1]),
    Statistic("kyphosis, spine less skin, deg", lambda b: b.centreline_deg[0] - b.surface_deg[0]),
    Statistic("lordosis, spine less skin, deg", lambda b: b.centreline_deg[1] - b.surface_deg[1]),
    Statistic("mean depth of the spine, mm", lambda b: float(b.depth_mm.mean())),
    Statistic("spread of the turn, deg", lambda b: float(np.nanmax(b.turn_deg) - np.nanmin(b.turn_deg))),
    Statistic("spread of the centreline aside, mm", lambda b: float(np.ptp(b.deviation_mm))),
    Statistic("spinous line on centreline, slope", lambda b: b.spinous_slope, 2),
    Statistic("spinous line on centreline, r", lambda b: b.spinous_r, 2),
    Statistic("inclination of the spine, deg", lambda b: b.inclination_deg),
    Statistic("lean of the nape at C7-T1, deg", lambda b: b.nape_deg),
    Statistic("profile residual, mm", lambda b: b.profile_residual_mm, 2),
    Statistic("roughness below 9 mm, mm", lambda b: b.roughness_mm, 2),
    Statistic("C7-T1 above the shoulders, mm", lambda b: b.top_mm),
    Statistic("L5-S1 above the shoulders, mm", lambda b: b.bottom_mm),
    *(Statistic(f"gate {name}", lambda b, name=name: b.gates.get(name, float("nan")), 2)  # type: ignore[misc]
      for name in ("trunk_lean_deg", "trunk_list_deg", "yaw_deg", "shoulder_width_mm", "waist_width_mm",
                   "waist_to_shoulder", "visible_height_mm", "convexity_mm", "fold_mm")),
)
RELATIONS: Final = (
    ("skin and spine kyphosis", lambda b: b.surface_deg[0], lambda b: b.centreline_deg[0]),
    ("skin and spine lordosis", lambda b: b.surface_deg[1], lambda b: b.centreline_deg[1]),
    ("Cobb and spread of the turn", lambda b: b.cobb_deg, lambda b: np.nanmax(b.turn_deg) - np.nanmin(b.turn_deg)),
    ("Cobb and spread of the centreline", lambda b: b.cobb_deg, lambda b: np.ptp(b.deviation_mm)),
)


def shape_text(real: Sequence[BackShape], phantom: Sequence[BackShape], phantom_name: str) -> str:
    """Three tables: one number per back, numbers by height, and correlations; * marks what lies apart."""
    rows = [["One number per back", "scans", "SD", phantom_name, "SD", ""]]
    rows += [_row(s, real, phantom) for s in ONE_NUMBER]
    heights = [["By share of the spine's height", "", *(f"{100 * h:.0f} %" for h in HEIGHTS)]]
    for statistic in BY_HEIGHT:
        label = statistic.label
        theirs, own = (np.array([statistic.of(shape) for shape in shapes], np.float64) for shapes in (real, phantom))
        apart = np.abs(_mean(own) - _mean(theirs)) > APART_ERRORS * np.hypot(_error(own), _error(theirs)) + 1e-9
        for who, values, marked in (("scans", theirs, np.zeros_like(apart)), (phantom_name, own, apart)):
            means = [f"{v:.1f}{'*' if mark else ''}" for v, mark in zip(_mean(values), marked, strict=True)]
            heights.append([label, f"{who} mean", *means])
            heights.append(["", f"{who} SD", *(f"{v:.1f}" for v in _sd(values))])
            label = ""
    pairs = [["Correlation over backs", "scans r", "slope", "phantom r", "slope"]]
    for label, x, y in RELATIONS:
        cells = [label]
        for shapes in (real, phantom):
            cells += _relation([float(x(s)) for s in shapes], [float(y(s)) for s in shapes])
        pairs.append(cells)
    title = f"{len(real)} scans beside {len(phantom)} phantoms ({phantom_name}); * means apart or spread otherwise"
    return "\n".join([title, "", *aligned(rows), "", *aligned(heights), "", *aligned(pairs)])


def _row(statistic: Statistic, real: Sequence[BackShape], phantom: Sequence[BackShape]) -> list[str]:
    values = [np.array([statistic.of(shape) for shape in shapes], np.float64) for shapes in (real, phantom)]
    (mean, sd), (other_mean, other_sd) = ((float(_mean(v)), float(_sd(v))) for v in values)
    spread = (other_sd + 1e-9) / (sd + 1e-9)
    apart = abs(mean - other_mean) > APART * other_sd + 1e-9 or not SPREAD[0] <= spread <= SPREAD[1]
    d = statistic.digits
    return [statistic.label, f"{mean:.{d}f}", f"{sd:.{d}f}", f"{other_mean:.{d}f}", f"{other_sd:.{d}f}",
            "*" if apart else ""]


def _mean(values: Values) -> Values:
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def _sd(values: Values) -> Values:
    known = np.isfinite(values)
    squares = np.where(known, (values - _mean(values)) ** 2, 0).sum(axis=0)
    return np.asarray(np.sqrt(squares / np.maximum(known.sum(axis=0) - 1, 1)))


def _error(values: Values) -> Values:
    """Standard error of the mean."""
    return np.asarray(_sd(values) / np.sqrt(np.maximum(np.isfinite(values).sum(axis=0), 1)))


def _relation(x: Sequence[float], y: Sequence[float]) -> list[str]:
    pairs = np.array([x, y])[:, np.isfinite(x) & np.isfinite(y)]
    if pairs.shape[1] < 3 or (np.ptp(pairs, axis=1) < 1e-9).any():
        return ["-", "-"]
    return [f"{np.corrcoef(pairs)[0, 1]:.2f}", f"{np.polyfit(pairs[0], pairs[1], 1)[0]:.2f}"]
