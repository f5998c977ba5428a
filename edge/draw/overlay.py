"""The picture that a person reads: the radiograph with endplates and angle lines drawn, and every number beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ANGLE_NAMES, ENDPLATE_INDEX, SAGITTAL_ANGLES, SagittalAngle
from edge.draw.canvas import Canvas
from edge.draw.radiograph import notice_strip
from edge.draw.tone import tone
from edge.fuse import FusedAngle
from edge.measure.angles import ANGLE_LABELS
from edge.measure.coronal import CobbCurve
from edge.measure.intervals import COVERAGE
from edge.view.grid import RADIOGRAPH

UPSCALE: Final = 2
"""Overlay pixels per radiograph pixel."""
PANEL_PX: Final = 372
STRIP_PX: Final = 44

_BACKGROUND: Final = (16, 19, 24)
_RULE: Final = (52, 58, 68)
_TEXT: Final = (238, 240, 243)
_SOFT: Final = (150, 158, 170)
_BONE: Final = (120, 190, 255)
_LEVEL: Final = (205, 225, 250)
_SCOLIOSIS_DEG: Final = 10.0  # below it a coronal curve has no name: the definition of scoliosis (Cobb)


@dataclass(frozen=True)
class Drawn:
    """How one angle is drawn: its colour, and how far its lines reach forward of the endplates."""

    name: str
    short: str
    colour: tuple[int, int, int]
    reach_mm: float


DRAWN: Final = (
    Drawn("thoracic_kyphosis_t4_t12", "TK", (255, 190, 70), 95.0),
    Drawn("lumbar_lordosis_l1_s1", "LL", (80, 220, 225), 70.0),
    Drawn("sacral_slope", "SS", (150, 230, 120), 58.0),
)
"""The angles shown on the picture; the panel lists all of them."""
_COLOURS: Final = {d.name: d.colour for d in DRAWN}


def overlay_picture(
    log_attenuation: NDArray[np.floating],
    endplates_mm: NDArray[np.floating],
    angles: Mapping[str, FusedAngle],
    cobb: FusedAngle,
    cobb_curve: CobbCurve,
    footnote: str = "",
) -> NDArray[np.uint8]:
    """(1024, 884, 3) uint8 RGB: radiograph at twice its size with the measured lines, and a panel of numbers.

    Args:
        log_attenuation: (512, 256) float, grid RADIOGRAPH. endplates_mm: (37, 4, 3), body frame.
        angles: by ``ANGLE_NAMES``. footnote: one line below the numbers.
    """
    picture = np.asarray(cv2.resize(tone(log_attenuation), None, fx=UPSCALE, fy=UPSCALE,
                                    interpolation=cv2.INTER_CUBIC), np.uint8)
    height, width = picture.shape
    canvas = Canvas(height, width + PANEL_PX, _BACKGROUND)
    canvas.paste(picture, 0, 0)
    _draw_vertebrae(canvas, endplates_mm)
    for row in DRAWN:
        angle = next(a for a in SAGITTAL_ANGLES if a.name == row.name)
        text = f"{row.short} {angles[row.name].value_deg:.0f}°"
        if angle.cranial is None:
            _draw_slope(canvas, endplates_mm, angle, row, text)
        else:
            _draw_cobb_lines(canvas, endplates_mm, angle, row, text)
    _draw_panel(canvas, width, angles, cobb, cobb_curve, footnote)
    finished = canvas.picture()
    finished[-STRIP_PX:] = notice_strip(finished.shape[1], STRIP_PX)[..., None]
    return finished


def _pixel(point_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Overlay pixel (x, y) of body-frame points (..., 3)."""
    grid = np.stack([RADIOGRAPH.col_of(point_mm[..., 0]), RADIOGRAPH.row_of(point_mm[..., 1])], axis=-1)
    return np.asarray((grid + 0.5) * UPSCALE - 0.5)


def _draw_vertebrae(canvas: Canvas, endplates_mm: NDArray[np.floating]) -> None:
    rim = _pixel(endplates_mm[:, :2])  # (37, anterior and posterior, xy)
    for upper, lower in zip(rim[0:36:2], rim[1:36:2], strict=True):
        canvas.line([upper[0], lower[0]], _BONE, 0.7, opacity=0.45)
        canvas.line([upper[1], lower[1]], _BONE, 0.7, opacity=0.45)
    for endplate in rim:
        canvas.line(endplate, _BONE, 1.1, opacity=0.9)
    for index, (level, _) in zip(range(0, 37, 2), list(ENDPLATE_INDEX)[::2], strict=True):
        if level in ("C7", "T1", "T8", "L3"):  # the other named levels carry an angle line
            middle = rim[index : index + 2].mean(axis=(0, 1)) if level != "S1" else rim[index].mean(axis=0)
            canvas.text(level, middle[0] + 34, middle[1] + 4, 9.5, _LEVEL, halo=_BACKGROUND)


def _line_of(endplates_mm: NDArray[np.floating], endplate: tuple[str, str]) -> tuple[NDArray, NDArray]:
    """Posterior rim and unit vector forward of an endplate, overlay pixels."""
    anterior, posterior = _pixel(endplates_mm[ENDPLATE_INDEX[endplate], :2])
    forward = anterior - posterior
    return posterior, forward / max(float(np.hypot(*forward)), 1e-6)


def _draw_cobb_lines(canvas: Canvas, endplates_mm: NDArray[np.floating], angle: SagittalAngle, row: Drawn,
                     text: str) -> None:
    reach = row.reach_mm / RADIOGRAPH.mm_per_px * UPSCALE
    tips = []
    for endplate in (angle.cranial, angle.caudal):
        if endplate is None:
            continue
        posterior, forward = _line_of(endplates_mm, endplate)
        tip = posterior + forward * reach
        canvas.line([posterior - forward * 14, tip], row.colour, 1.3)
        above = endplate[0].startswith("T")
        canvas.text(endplate[0], tip[0] + 2, tip[1] + (-6 if above else 16), 10.5, row.colour, halo=_BACKGROUND)
        tips.append(tip)
    # The bracket between the lines bulges forward, clear of the spine.
    upper, lower = tips
    bulge = (upper + lower) / 2 - np.array([0.22 * abs(lower[1] - upper[1]), 0.0])
    t = np.linspace(0, 1, 41)[:, None]
    curve = (1 - t) ** 2 * upper + 2 * t * (1 - t) * bulge + t**2 * lower
    canvas.line(curve, row.colour, 1.0, opacity=0.8)
    canvas.tag(text, float(curve[20, 0]), float(curve[20, 1]), 15.0, row.colour, _BACKGROUND)


def _draw_slope(canvas: Canvas, endplates_mm: NDArray[np.floating], angle: SagittalAngle, row: Drawn,
                text: str) -> None:
    if angle.caudal is None:
        return
    reach = row.reach_mm / RADIOGRAPH.mm_per_px * UPSCALE
    posterior, forward = _line_of(endplates_mm, angle.caudal)
    canvas.line([posterior, posterior - forward * reach], row.colour, 1.3)
    canvas.dashes(posterior, posterior + np.array([reach, 0.0]), row.colour, 1.1)
    backward = np.arctan2(-forward[1], -forward[0])
    sweep = np.linspace(0.0, backward, 25)
    arc = posterior + 0.72 * reach * np.stack([np.cos(sweep), np.sin(sweep)], axis=-1)
    canvas.line(arc, row.colour, 1.0, opacity=0.8)
    low = posterior + np.array([0.62 * reach, 22.0 if backward < 0 else -14.0])
    canvas.tag(text, float(low[0]), float(low[1]), 15.0, row.colour, _BACKGROUND)


def _draw_panel(canvas: Canvas, left: int, angles: Mapping[str, FusedAngle], cobb: FusedAngle, curve: CobbCurve,
                footnote: str) -> None:
    x, right, y = left + 26, left + PANEL_PX - 24, 46.0
    canvas.text("Synthetic lateral radiograph", x, y, 14.5, _TEXT)
    canvas.text("estimated from a depth view of the back", x, y + 23, 10, _SOFT)
    canvas.text(f"angle, with its {COVERAGE * 100:.0f} % interval", right, y + 52, 9.5, _SOFT, align="right")
    y += 64
    rows = [(ANGLE_LABELS[n], angles[n], _COLOURS.get(n, _SOFT), "") for n in ANGLE_NAMES]
    levels = f"{curve.upper_end_vertebra}-{curve.lower_end_vertebra}, apex {curve.apex_vertebra}, {curve.convex_side}"
    rows.append(("Coronal Cobb angle", cobb, _SOFT, levels if cobb.value_deg >= _SCOLIOSIS_DEG else ""))
    pitch = (canvas.height - STRIP_PX - 52 - y) / len(rows)
    for label, angle, colour, detail in rows:
        canvas.line([(x, y), (right, y)], _RULE, 1.0)
        middle = y + pitch / 2
        canvas.box(x, middle - 13, 4, 26, colour)
        canvas.text(label, x + 16, middle + (-4 if detail else 5), 11.0, _TEXT)
        if detail:
            canvas.text(detail, x + 16, middle + 16, 9.5, _SOFT)
        canvas.text(f"{angle.value_deg:.0f}°", right, middle + 1, 18.0, _TEXT, align="right")
        canvas.text(f"{angle.interval.low_deg:.0f} to {angle.interval.high_deg:.0f}°", right, middle + 21, 10.0, _SOFT,
                    align="right")
        y += pitch
    canvas.line([(x, y), (right, y)], _RULE, 1.0)
    if footnote:
        canvas.text(footnote, x, y + 30, 9.5, _SOFT)
