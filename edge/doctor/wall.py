"""How well the camera measures a flat wall: the noise that it has here, at this distance, in this light.

A plane is fitted to the middle of the view. What is left is noise across the picture; how one pixel varies from frame
to frame is noise over time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.frame import Frame
from edge.view.rays import pixel_rays

MIDDLE: Final = 0.4
"""Share of the picture's width and height that is looked at: stereo is best there, and a wall fills it at 1.2 m."""
MIN_VALID: Final = 0.5
FLAT_MM: Final = 12.0
"""Beyond this root mean square the scene is no flat wall, whatever the noise: a body is 50 mm and more."""
OUTLIER: Final = 4.0  # standard deviations


@dataclass(frozen=True)
class WallNoise:
    """rms_mm: of the distance from the fitted plane, mean over the frames. over_time_mm: median standard deviation of a
    pixel's depth. tilt_deg: between the wall's normal and the optical axis. valid: share of the pixels with a reading.
    """

    rms_mm: float
    over_time_mm: float
    distance_m: float
    tilt_deg: float
    valid: float

    @property
    def is_wall(self) -> bool:
        """Whether what is in the middle of the view is flat at all."""
        return self.rms_mm <= FLAT_MM and self.valid >= MIN_VALID


def wall_noise(frames: Sequence[Frame]) -> WallNoise | None:
    """Measured over all frames (of one camera); None where there is too little to fit a plane to."""
    depth = np.stack([_middle(frame.depth_m) for frame in frames]).astype(np.float64)
    depth[~np.isfinite(depth) | (depth <= 0)] = np.nan
    rays = [_middle(ray).astype(np.float64) for ray in pixel_rays(frames[0].intrinsics)]
    valid = np.isfinite(depth)
    if valid.mean() < 0.05:
        return None
    fits = [fit for z in depth if (fit := _fit(z, *rays)) is not None]
    if not fits:
        return None
    rms, tilt = np.mean([(fit[0], fit[1]) for fit in fits], axis=0)
    always = valid.all(axis=0)
    over_time = np.median(depth[:, always].std(axis=0, ddof=1)) if len(depth) > 1 and always.any() else np.nan
    return WallNoise(float(rms) * 1e3, float(over_time) * 1e3, float(np.nanmedian(depth)), float(tilt),
                     float(valid.mean()))


def _middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = image.shape
    top, left = round(rows * (1 - MIDDLE) / 2), round(columns * (1 - MIDDLE) / 2)
    return image[top : rows - top, left : columns - left]


def _fit(z: NDArray[np.float64], ray_x: NDArray[np.float64], ray_y: NDArray[np.float64]) -> tuple[float, float] | None:
    """(root mean square in metres across the plane, tilt in degrees) of the plane through the points of one frame.

    Least squares of 1/z = a x/z + b y/z + c, the form in which stereo noise is even; then once more without outliers.
    """
    known = np.isfinite(z)
    design = np.stack([ray_x[known], ray_y[known], np.ones(int(known.sum()))], axis=1)
    inverse = 1.0 / z[known]
    if len(inverse) < 100:
        return None
    keep = np.ones(len(inverse), bool)
    for _ in range(3):
        plane = np.linalg.lstsq(design[keep], inverse[keep], rcond=None)[0]
        left = inverse - design @ plane
        keep = np.abs(left) <= OUTLIER * max(float(np.median(np.abs(left))) / 0.6745, 1e-9)
        if keep.sum() < 100:
            return None
    normal = plane / np.linalg.norm(plane)
    across = (design[keep] * z[known][keep, None]) @ normal - 1.0 / float(np.linalg.norm(plane))
    return float(np.sqrt(np.mean(across**2))), float(np.degrees(np.arccos(min(abs(normal[2]), 1.0))))
