"""Subject from background by depth alone, on a thinned image: the nearest large connected surface near the axis.

The thinned points also carry everything that the coarse gates and the yaw need; only the chosen surface is later
read at full resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.frame import Frame
from edge.view.rays import levelled_rays

MIN_DEPTH_M: Final = 0.25  # nearer than any RealSense of the D400 family reads
MAX_DEPTH_M: Final = 4.0
REACH_M: Final = 2.6  # a surface farther than this is the room
STEP_OF_SURFACE_M: Final = 0.08  # a jump between neighbours that no skin makes at 8 mm spacing (79 deg slope)
BACKGROUND_GAP_M: Final = 0.05  # what lies this far behind the surface around it is background; walls: > 0.3 m
FLOOR_BELOW_CAMERA_M: Final = 0.45  # a kiosk camera hangs at about 1 m
FEET_BELOW_CAMERA_M: Final = 0.90  # the trunk is looked for above this: legs only lead to the floor
FLOOR_NORMAL: Final = 0.8  # cosine between a floor's normal and the vertical
MIN_AREA_M2: Final = 0.02
MAX_WIDTH_M: Final = 0.95  # wider is a wall, not a person
MIN_HEIGHT_M: Final = 0.15
BODY_M: Final = 0.3  # parts of one body lie within this of each other in depth
SAMPLES: Final = 1500


@dataclass(frozen=True)
class Thinned:
    """Every ``step``-th pixel, levelled: x forward, y up, z right, metres, (h, w) float32; ``valid`` where read."""

    step: int
    depth_m: NDArray[np.float32]
    x_m: NDArray[np.float32]
    y_m: NDArray[np.float32]
    z_m: NDArray[np.float32]
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Segment:
    """The chosen surface on the thinned image.

    mask: (h, w) bool. area_m2, distance_m (median forward distance), centre_z_m: of the surface.
    others: number of other person-sized surfaces beside it. touches: (h, w) bool, its pixels at the image border.
    """

    mask: NDArray[np.bool_]
    area_m2: float
    distance_m: float
    others: int
    touches: NDArray[np.bool_]


_THINNED: Final[WeakKeyDictionary[Frame, tuple[bytes, Thinned]]] = WeakKeyDictionary()
"""Frames that are still alive, with the mount that they were levelled by."""


def thin(frame: Frame, level_from_camera: NDArray[np.float64]) -> Thinned:
    """Thin a frame to about 320 pixels on the long side, taking the first of two readings of each block.

    What it gives is kept as long as the frame is: the next frame is compared with it.
    """
    mount, known = level_from_camera.tobytes(), _THINNED.get(frame)
    if known is None or known[0] != mount:
        known = _THINNED[frame] = mount, _thin(frame, mount)
    return known[1]


def _thin(frame: Frame, mount: bytes) -> Thinned:
    height, width = frame.depth_m.shape
    step = max(1, round(max(height, width) / 320))
    h, w = height // step, width // step
    mid = step // 2
    depth = np.zeros((h, w), np.float32)
    valid = np.zeros((h, w), bool)
    for col in (mid, 0):
        sample = frame.depth_m[mid : h * step : step, col : w * step : step]
        depth = np.where(valid, depth, sample)
        valid = (depth > MIN_DEPTH_M) & (depth < MAX_DEPTH_M)  # False for NaN and infinities
    depth[~valid] = 0
    x, y, z = depth * levelled_rays(frame.intrinsics, mount, step)
    return Thinned(step, depth, x, y, z, valid)


def find_subject(view: Thinned, focal_px: float) -> Segment | None:
    """The nearest large connected surface around the optical axis, or None.

    Args:
        view: the thinned frame.
        focal_px: geometric mean of fx and fy of the full image.
    """
    solid = view.valid & (view.y_m > -FEET_BELOW_CAMERA_M) & ~_floor(view)
    far = np.where(solid, view.x_m, np.float32(9.0))
    near = np.where(solid, view.x_m, np.float32(0.0))
    kernel = np.ones((3, 3), np.uint8)
    jump = cv2.dilate(near, kernel) - cv2.erode(far, kernel)
    core = (solid & (jump < STEP_OF_SURFACE_M)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(core, connectivity=4)
    pixel_m = view.step / focal_px
    surfaces = []
    for label in np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:8] + 1 if count > 1 else ():
        surface = _describe(view, np.asarray(labels), int(label), np.asarray(stats[label]), pixel_m)
        if surface is not None:
            surfaces.append(surface)
    people = [s for s in surfaces if s.plausible()]
    if not people:
        return None
    nearest = min(people, key=lambda s: s.x + abs(s.z))
    # Lost readings may cut a leg or an arm off; it must not be taken for the person because it is a little nearer.
    main = max((s for s in people if s.x <= nearest.x + BODY_M), key=lambda s: s.area * (1 - abs(s.z)))
    others = sum(s.stands_beside(main) for s in people if s is not main)
    parts = [main.label, *(s.label for s in surfaces if s is not main and s.belongs_to(main))]
    mask = np.isin(labels, parts) if len(parts) > 1 else labels == main.label
    mask = _grow(view, solid, mask)
    border = np.zeros_like(mask)
    border[[0, -1], :] = True
    border[:, [0, -1]] = True
    return Segment(mask, main.area, main.x, others, mask & border)


def background_limit(view: Thinned, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(h, w) float32 metres: forward distance up to which a full-resolution pixel there belongs to the subject."""
    reach = cv2.dilate(np.where(mask, view.x_m, np.float32(0)), np.ones((3, 3), np.uint8))
    return np.where(reach > 0, reach + np.float32(BACKGROUND_GAP_M), np.float32(0))


@dataclass(frozen=True)
class _Surface:
    """One connected surface: metres in the levelled frame."""

    label: int
    area: float
    x: float
    z: float
    left: float
    right: float
    bottom: float
    top: float

    def plausible(self) -> bool:
        wide, tall = self.right - self.left, self.top - self.bottom
        return (
            self.area >= MIN_AREA_M2
            and self.x <= REACH_M
            and wide <= MAX_WIDTH_M
            and tall >= MIN_HEIGHT_M
            and abs(self.z) <= 0.7
        )

    def stands_beside(self, main: _Surface) -> bool:
        """A person of the same kind: about as high, at least 0.4 m tall, 0.15 m wide, within arm's reach."""
        return (
            self.area >= 0.4 * main.area
            and self.top - self.bottom >= 0.4
            and self.right - self.left >= 0.15
            and abs(self.top - main.top) <= 0.4
            and abs(self.x - main.x) <= 0.8
            and not self.belongs_to(main)
        )

    def belongs_to(self, main: _Surface) -> bool:
        """A part that a gap in the readings has cut off, such as a head, or an arm before or beside the trunk."""
        inside = main.left - 0.08 <= self.z <= main.right + 0.08 and self.area < main.area
        return inside and abs(self.x - main.x) <= 0.2 and self.bottom <= main.top + 0.15


def _describe(
    view: Thinned, labels: NDArray[Any], label: int, stat: NDArray[Any], pixel_m: float
) -> _Surface | None:
    left, top, width, height, pixels = (int(v) for v in stat[:5])
    if pixels < 20:
        return None
    box = np.s_[top : top + height, left : left + width]
    inside = np.flatnonzero(labels[box] == label)
    inside = inside[:: max(1, inside.size // SAMPLES)]  # enough for quantiles
    x, y, z = (np.sort(a[box].reshape(-1)[inside]) for a in (view.x_m, view.y_m, view.z_m))
    low, mid, high = (int(share * (inside.size - 1)) for share in (0.01, 0.5, 0.99))
    distance = float(x[mid])
    area = pixels * (distance * pixel_m) ** 2
    return _Surface(
        label, area, distance, float(z[mid]), float(z[low]), float(z[high]), float(y[low]), float(y[high])
    )


def _floor(view: Thinned) -> NDArray[np.bool_]:
    """Pixels of a level surface well below the camera: a floor, which would join feet to the room."""
    floor = np.zeros(view.valid.shape, bool)
    low = view.valid & (view.y_m < -FLOOR_BELOW_CAMERA_M)
    if not low.any():
        return floor
    gap = 2  # pixels to either side: the normal of noisy depth needs a base of some 3 cm
    rows, cols = np.flatnonzero(low.any(axis=1)), np.flatnonzero(low.any(axis=0))
    top, bottom = max(int(rows[0]), gap), min(int(rows[-1]) + 1, low.shape[0] - gap)
    left, right = max(int(cols[0]), gap), min(int(cols[-1]) + 1, low.shape[1] - gap)
    if top >= bottom or left >= right:
        return floor
    (ax, ay, az), (bx, by, bz) = (
        [
            a[top + dr : bottom + dr, left + dc : right + dc] - a[top - dr : bottom - dr, left - dc : right - dc]
            for a in (view.x_m, view.y_m, view.z_m)
        ]
        for dr, dc in ((0, gap), (gap, 0))
    )
    normal_x, normal_y, normal_z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    box = np.s_[top:bottom, left:right]
    floor[box] = low[box] & (normal_y**2 > FLOOR_NORMAL**2 * (normal_x**2 + normal_y**2 + normal_z**2))
    return floor


def _grow(view: Thinned, solid: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give back the rim that the jump at the silhouette took, where its depth fits the surface beside it."""
    surface = np.where(mask, view.x_m, np.float32(0))
    step = np.float32(STEP_OF_SURFACE_M)
    near, wide = (cv2.dilate(surface, np.ones((size, size), np.uint8)) for size in (3, 5))
    pores = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    return solid & (((near > 0) & (view.x_m < near + step)) | (pores & (view.x_m < wide + step)))
