"""One picture by which a person judges a phantom subject: colour, shaded depth, radiograph, and its true endplates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Subject
from calib.phantom.truth import angles_of
from calib.phantom.xray.picture import LateralImage
from edge.draw.canvas import Canvas
from edge.draw.tone import tone
from edge.frame import Frame

HEIGHT_PX: Final = 768
_CAPTION_PX: Final = 32
_INK: Final = (235, 238, 242)
_GROUND: Final = (16, 19, 24)
_ENDPLATE: Final = (90, 220, 120)
_SHOWN: Final = (
    ("TK T4-T12", "thoracic_kyphosis_t4_t12_deg"), ("LL L1-S1", "lumbar_lordosis_l1_s1_deg"),
    ("SS", "sacral_slope_deg"), ("Cobb", "cobb_major_deg"),
)


def preview(
    subject: Subject, frames: Sequence[Frame], camera_from_subject: NDArray[np.float64], radiograph: LateralImage
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB with four panels side by side; the depth shown is the mean of ``frames``."""
    frame = frames[0]
    box = _box_round_back(subject, frame, camera_from_subject)
    empty = np.zeros((*frame.depth_m.shape, 3), np.uint8)
    colour = frame.colour if frame.colour is not None else empty
    film = _fitted(tone(radiograph.log_attenuation))
    seen = [_fitted(colour[box]), _fitted(shaded_depth(mean_depth(frames), frame.intrinsics.fx)[box])]
    panels = [*seen, film[..., None], _marked(film, subject, radiograph)]
    lefts = np.cumsum([0] + [p.shape[1] for p in panels])
    sheet = np.empty((HEIGHT_PX + _CAPTION_PX, int(lefts[-1]), 3), np.uint8)
    for left, panel in zip(lefts, panels, strict=False):
        sheet[:HEIGHT_PX, left : left + panel.shape[1]] = panel
    return _captioned(sheet, subject, frame)


def _marked(film: NDArray[np.uint8], subject: Subject, radiograph: LateralImage) -> NDArray[np.uint8]:
    """The film with the true endplates drawn from front to back."""
    canvas = Canvas(film.shape[0], film.shape[1], _GROUND)
    canvas.paste(film, 0, 0)
    scale = film.shape[0] / radiograph.grid.rows
    for rim in subject.spine_radiograph.endplates_mm:
        col, row = radiograph.grid.col_of(rim[:2, 0]), radiograph.grid.row_of(rim[:2, 1])
        canvas.line((np.stack([col, row], axis=1) + 0.5) * scale - 0.5, _ENDPLATE, 1.2)
    return canvas.picture()


def mean_depth(frames: Sequence[Frame]) -> NDArray[np.float32]:
    """(H, W) float32 metres: mean over the frames that read a pixel, 0 where the first did not."""
    read = np.sum([f.depth_m > 0 for f in frames], axis=0)
    mean = np.sum([f.depth_m for f in frames], axis=0) / np.maximum(read, 1)
    return np.asarray(np.where(frames[0].depth_m > 0, mean, 0.0), np.float32)


def shaded_depth(depth_m: NDArray[np.float32], focal_px: float, sigma_px: float = 3.5) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: depth as a surface lit from the upper left, black where nothing was read."""
    valid = (depth_m > 0).astype(np.float32)
    weight = cv2.GaussianBlur(valid, (0, 0), sigma_px)
    depth = cv2.GaussianBlur(depth_m, (0, 0), sigma_px) / np.maximum(weight, 1e-3)
    size_m = np.maximum(depth, 0.1) / focal_px
    down, right = np.gradient(depth)
    normal = np.stack([right / size_m, down / size_m, -np.ones_like(depth)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    lamp = np.array([-0.45, -0.55, -0.70]) / np.linalg.norm([0.45, 0.55, 0.70])
    bright = np.clip(normal @ lamp, 0.0, 1.0) * (valid > 0)
    return np.asarray(np.repeat((40 + 215 * bright)[..., None] * (valid > 0)[..., None], 3, axis=2), np.uint8)


def _box_round_back(subject: Subject, frame: Frame, pose: NDArray[np.float64]) -> tuple[slice, slice]:
    """Image rows and columns from above the head to below the hips, 3:4, cut to the image."""
    k, torso = frame.intrinsics, subject.torso
    x = float(np.median(torso.back_x_mm))
    top = float(subject.spine_photo.centres_mm[0, 1]) + 0.16 * subject.traits.stature_mm
    ends = pose @ np.array([[x, top, 0.0, 1.0], [x, torso.waistband_y_mm - 160.0, 0.0, 1.0]]).T
    u, v = k.fx * ends[0] / ends[2] + k.cx, k.fy * ends[1] / ends[2] + k.cy
    height = float(abs(v[1] - v[0]))
    rows = slice(max(0, int(min(v))), min(k.height, int(max(v)) + 1))
    half = 0.375 * height
    middle = float(u.mean())
    return rows, slice(max(0, int(middle - half)), min(k.width, int(middle + half) + 1))


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    width = max(1, round(picture.shape[1] * HEIGHT_PX / picture.shape[0]))
    return np.asarray(cv2.resize(picture, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)


def _captioned(picture: NDArray[np.uint8], subject: Subject, frame: Frame) -> NDArray[np.uint8]:
    angles, traits = angles_of(subject.spine_radiograph), subject.traits
    measured = "  ".join(f"{label} {angles[name]:.0f}°" for label, name in _SHOWN)
    who = f"phantom {traits.seed} ({subject.tier})  {traits.sex} {traits.age_years:.0f} y"
    strip = Canvas(_CAPTION_PX, picture.shape[1], _GROUND)
    strip.text(f"{who}  {frame.camera_model}    {measured}", 12, _CAPTION_PX - 10, 12, _INK)
    picture[-_CAPTION_PX:] = strip.picture()
    return picture
