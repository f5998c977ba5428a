"""A picture of one scanned patient: the real film, the synthetic one, and both lines through the vertebral bodies.

Pictures of patients never enter the repository: whoever asks for them names a folder outside of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.draw.canvas import Canvas, Colour
from edge.draw.radiograph import BURNED_IN, png
from edge.draw.tone import tone
from edge.errors import OutputError, UsageError
from edge.measure.centreline import spline_through, vertebral_line_mm
from edge.view.grid import RADIOGRAPH
from export.evaluate.case import Case, points
from export.evaluate.line_error import line_error
from export.evaluate.scan_trials import FILM

FILM_MM_PER_PX: Final = 0.62
"""Pixel size of the films, which do not tell theirs: checked by eye on four, not exact."""
FILM_TOP_PX: Final = 70
"""Row of a film that is shown at the top: puts C7 about where the synthetic picture has it."""
ANGLES: Final = {"centreline_kyphosis": "Kyphosis", "centreline_lordosis": "Lordosis", "cobb_major": "Cobb"}
_UPSCALE: Final = 2
_PANEL_PX: Final = 330
_BACKGROUND: Colour = (16, 19, 24)
_TEXT: Colour = (238, 240, 243)
_SOFT: Colour = (150, 158, 170)
_FOUND: Colour = (255, 190, 70)
_TRUE: Colour = (90, 220, 140)


def check_outside_repository(folder: Path) -> None:
    """Let only folders pass that no commit of this repository can pick up.

    Raises:
        UsageError: the folder lies within the repository that this program runs from.
    """
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists() and folder.resolve().is_relative_to(root):
        raise UsageError("pictures of patients do not belong into the repository", where=str(folder),
                         expected=f"a folder outside of {root}", found="one inside")


def scan_picture(case: Case, log_attenuation: NDArray[np.floating], film: NDArray[np.uint8] | None
                 ) -> NDArray[np.uint8]:
    """(1024, W, 3) uint8 RGB: film (where there is one) and synthetic radiograph at one scale, lines, numbers.

    Args:
        film: (H, W) uint8, anterior to the left. It has no common origin with the scan: it is shown beside.
    """
    shown = np.asarray(cv2.resize(tone(log_attenuation), None, fx=_UPSCALE, fy=_UPSCALE,
                                  interpolation=cv2.INTER_CUBIC), np.uint8)
    height, width = shown.shape
    real = _scaled_film(film, height) if film is not None else np.zeros((height, 0), np.uint8)
    left = real.shape[1]
    canvas = Canvas(height, left + width + _PANEL_PX, _BACKGROUND)
    if left:
        canvas.paste(real, 0, 0)
        canvas.text("real film", 12, 26, 13, _TEXT, halo=_BACKGROUND)
    canvas.paste(shown, left, 0)
    canvas.text("synthetic", left + 12, 26, 13, _TEXT, halo=_BACKGROUND)
    endplates, true = points(case.endplates_mm), points(case.true_line_mm)
    if endplates is not None:
        canvas.line(_pixels(spline_through(vertebral_line_mm(endplates)), left), _FOUND, 2.0)
    if true is not None:
        canvas.line(_pixels(true, left), _TRUE, 2.0)
    x = left + width + 24.0
    canvas.text(case.name, x, 40, 16, _TEXT)
    canvas.text("line found", x, 74, 12, _FOUND)
    canvas.text("line marked on films", x, 98, 12, _TRUE)
    y = 150.0
    for name, label in ANGLES.items():
        if name in case.true_deg and name in case.predicted_deg:
            low, high = case.interval_deg[name]
            canvas.text(label, x, y, 13, _TEXT)
            canvas.text(f"{case.predicted_deg[name]:.0f} ({low:.0f} to {high:.0f})", x + 110, y, 13, _FOUND)
            canvas.text(f"{case.true_deg[name]:.0f}", x + 270, y, 13, _TRUE)
            y += 34
    if endplates is not None and true is not None:
        error = line_error(endplates, true)
        rows = {"line, distance": error.distance_mm, "  depth": error.depth_mm, "  lateral": error.lateral_mm,
                "  depth, shape alone": error.shape_mm}
        for label, value in rows.items():
            y += 30
            canvas.text(label, x, y, 12, _SOFT)
            canvas.text(f"{value:.1f} mm", x + 290, y, 12, _TEXT, align="right")
    canvas.text(BURNED_IN, x, height - 24, 9, _SOFT)
    return canvas.picture()


def write_scan_picture(path: Path, case: Case, log_attenuation: NDArray[np.floating], source: Path | None) -> None:
    """Write the picture; ``source``: the scan's folder, whose film is shown where it has one.

    Raises:
        OutputError: it cannot be written.
    """
    file = None if source is None else source / FILM
    film = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) if file is not None and file.is_file() else None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(scan_picture(case, log_attenuation, None if film is None else np.asarray(film, np.uint8))))
    except OSError as error:
        raise OutputError("cannot write a picture", where=str(path), expected="a writable folder",
                          found=error.strerror or str(error)) from error


def _pixels(line_mm: NDArray[np.floating], left: int) -> NDArray[np.float64]:
    grid = np.stack([RADIOGRAPH.col_of(line_mm[:, 0]), RADIOGRAPH.row_of(line_mm[:, 1])], axis=-1)
    return np.asarray((grid + 0.5) * _UPSCALE - 0.5 + [left, 0])


def _scaled_film(film: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    scale = FILM_MM_PER_PX / RADIOGRAPH.mm_per_px * _UPSCALE
    large = np.asarray(cv2.resize(film[FILM_TOP_PX:], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return np.pad(large[:height], ((0, max(0, height - len(large))), (0, 0)))
