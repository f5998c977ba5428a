"""The lateral picture as a value: log attenuation on a known grid, its move into the body frame, and its PNG."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import OutputError
from edge.view.grid import RADIOGRAPH, Grid

F32 = NDArray[np.float32]

PNG_STEPS_PER_UNIT: Final = 8000
"""A 16-bit pixel is round(8000 x log attenuation), clipped to 0..65535: 0 is the open beam."""


@dataclass(frozen=True)
class LateralImage:
    """log_attenuation: (H, W) float32 -ln(I / I0); grid: its pixels in the subject frame (anterior left)."""

    log_attenuation: F32
    grid: Grid


def to_body_grid(image: LateralImage, body_from_subject_xy_mm: tuple[float, float], grid: Grid = RADIOGRAPH) -> F32:
    """The picture on a grid of the body frame.

    Args:
        image: picture in the subject frame.
        body_from_subject_xy_mm: (x, y) to add to subject-frame positions to get body-frame positions.
        grid: target grid.

    Returns:
        (rows, cols) float32, cubic interpolation; outside the picture its border goes on.
    """
    dx, dy = body_from_subject_xy_mm
    target = np.array([0.0, 1.0])
    cols = image.grid.col_of(grid.u_of(target) - dx)
    rows = image.grid.row_of(grid.y_of(target) - dy)
    warp = np.array([[cols[1] - cols[0], 0.0, cols[0]], [0.0, rows[1] - rows[0], rows[0]]])
    return np.asarray(
        cv2.warpAffine(
            image.log_attenuation, warp, (grid.cols, grid.rows), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        dtype=np.float32,
    )


def save_radiograph_png(log_attenuation: F32, path: Path) -> None:
    """Write a 16-bit grey PNG, ``PNG_STEPS_PER_UNIT`` per unit of log attenuation, whole or not at all.

    The pixel size is not in the file: it stands in the subject's ``truth.json``.

    Raises:
        OutputError: the file cannot be written.
    """
    scaled = np.clip(np.rint(log_attenuation * float(PNG_STEPS_PER_UNIT)), 0, 65535).astype(np.uint16)
    done, data = cv2.imencode(".png", scaled)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data.tobytes())
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(
            "cannot write the radiograph", where=str(path), expected="a writable folder", found=str(error.strerror),
            mend="choose another --out",
        ) from error
    if not done:
        raise OutputError("cannot encode the radiograph", where=str(path))


def load_radiograph_png(path: Path) -> F32:
    """Log attenuation (H, W) float32 of a file that ``save_radiograph_png`` wrote."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise OutputError("not a radiograph of the phantom", where=str(path), expected="a 16-bit grey PNG",
                          found="nothing readable" if pixels is None else f"{pixels.dtype} {pixels.shape}")
    return np.asarray(pixels.astype(np.float32) / PNG_STEPS_PER_UNIT)
