"""Sample pictures that a person can judge while training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edge.anatomy import ENDPLATE_POINTS
from edge.view.grid import RADIOGRAPH

SHOWN = 6
TRUE_COLOUR, OWN_COLOUR = (80, 220, 80), (60, 80, 255)  # BGR: truth green, estimate red


def grey(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(H, W) -> (H, W, 3) uint8, stretched between the 1st and 99th percentile of the known pixels."""
    known = image[np.isfinite(image)]
    low, high = np.percentile(known, [1, 99]) if known.size else (0.0, 1.0)
    scaled = np.clip((np.nan_to_num(image, nan=low) - low) / max(high - low, 1e-6), 0, 1)
    return np.repeat((255 * scaled).astype(np.uint8)[..., None], 3, axis=2)


def draw_endplates(canvas: NDArray[np.uint8], endplates_mm: NDArray[np.floating], colour: tuple[int, int, int]) -> None:
    """Sagittal endplate lines on a canvas of the radiograph's grid."""
    anterior, posterior = ENDPLATE_POINTS.index("anterior"), ENDPLATE_POINTS.index("posterior")
    for plate in endplates_mm:
        if not np.isfinite(plate[[anterior, posterior], :2]).all():
            continue
        ends = [
            (float(RADIOGRAPH.col_of(plate[p, 0])) * 16, float(RADIOGRAPH.row_of(plate[p, 1])) * 16)
            for p in (anterior, posterior)
        ]
        first, second = ((round(x), round(y)) for x, y in ends)
        cv2.line(canvas, first, second, colour, 1, cv2.LINE_AA, 4)


def structure_picture(path: Path, batch: dict[str, Tensor], got: Any) -> None:
    """Columns: truth radiograph with true (green) and estimated (red) endplates; warped template; its structure."""
    columns = []
    for i in range(min(SHOWN, batch["back_view"].shape[0])):
        film = grey(batch["log_attenuation"][i, 0].numpy())
        draw_endplates(film, batch["endplates_mm"][i].numpy(), TRUE_COLOUR)
        draw_endplates(film, got.endplates_mm[i].cpu().numpy(), OWN_COLOUR)
        parts = [cv2.resize(grey(channel.cpu().numpy()), (256, 512)) for channel in got.warped_template[i]]
        columns.append(np.concatenate([film, *parts], axis=0))
    write_picture(path, np.concatenate(columns, axis=1))


def radiograph_picture(path: Path, truth: Tensor, own: Tensor, endplates_mm: Tensor) -> None:
    """Rows: truth, synthetic, synthetic with the endplates it was made for."""
    columns = []
    for i in range(min(SHOWN, truth.shape[0])):
        synthetic = grey(own[i, 0].cpu().float().numpy())
        drawn = synthetic.copy()
        draw_endplates(drawn, endplates_mm[i].cpu().numpy(), OWN_COLOUR)
        columns.append(np.concatenate([grey(truth[i, 0].cpu().numpy()), synthetic, drawn], axis=0))
    write_picture(path, np.concatenate(columns, axis=1))


def write_picture(path: Path, image: NDArray[np.uint8]) -> None:
    """PNG, folder made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
