"""Where the wall of the chest runs: the surface that ribs lie in and lungs lie against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.subject import Spine
from calib.phantom.xray.outline import Outline
from calib.phantom.xray.solids import signed_power
from edge.anatomy import VERTEBRA_INDEX

F64 = NDArray[np.float64]

# Half width of the rib cage in mm (stature 1650 mm) at heights given from T12 (0) to T1 (1): a bell.
_SHARE: Final = np.array([-0.45, -0.2, 0.0, 0.25, 0.5, 0.7, 0.82, 0.91, 0.97, 1.03, 1.08])
_HALF_WIDTH_MM: Final = np.array([112.0, 122.0, 131.0, 136.0, 130.0, 117.0, 102.0, 84.0, 67.0, 50.0, 36.0])
_EXPONENT: Final = 2.25


@dataclass(frozen=True)
class Chest:
    """Horizontal sections of the rib cage's outer surface, (N,) on ``y_mm`` (ascending). ``scale``: of stature."""

    y_mm: F64
    mid_x_mm: F64
    half_depth_mm: F64
    mid_z_mm: F64
    half_width_mm: F64
    twist_rad: F64
    column_x_mm: F64
    level_y_mm: F64  # (18,) heights of C7..L5
    scale: float

    def at(self, name: str, y_mm: F64) -> F64:
        """One of the arrays, interpolated at heights ``y_mm``."""
        return np.interp(y_mm, self.y_mm, getattr(self, name))

    def level(self, name: str) -> float:
        """Height in mm of the centre of a vertebra."""
        return float(self.level_y_mm[VERTEBRA_INDEX[name]])

    def wall(self, y_mm: F64, phi_rad: F64, inset_mm: float = 0.0) -> tuple[F64, F64]:
        """Local (forward, right) offsets from the middle at angle ``phi_rad``: 0 behind, pi/2 right, pi in front."""
        depth = np.maximum(self.at("half_depth_mm", y_mm) - inset_mm, 4.0)
        width = np.maximum(self.at("half_width_mm", y_mm) - inset_mm, 4.0)
        c, s = (signed_power(f(phi_rad), 2.0 / _EXPONENT) for f in (np.cos, np.sin))
        # The angles of the ribs stand out behind, beside the column.
        bulge = 7.0 * self.scale * np.exp(-(((phi_rad - 0.62) / 0.24) ** 2))
        return -depth * c - bulge, width * s

    def half_width_at(self, y_mm: F64, forward_mm: F64, inset_mm: float) -> F64:
        """Half width in mm of the section, narrowed by ``inset_mm``, at a local forward offset."""
        depth = np.maximum(self.at("half_depth_mm", y_mm) - inset_mm, 4.0)
        width = np.maximum(self.at("half_width_mm", y_mm) - inset_mm, 4.0)
        q = np.clip(np.abs(forward_mm) / depth, 0.0, 1.0)
        return np.asarray(width * (1.0 - q**_EXPONENT) ** (1.0 / _EXPONENT))

    def place(self, y_mm: F64, forward_mm: F64, right_mm: F64) -> F64:
        """(..., 3) subject-frame points of local offsets at heights ``y_mm``, turned with the chest."""
        turn = self.at("twist_rad", y_mm)
        c, s = np.cos(turn), np.sin(turn)
        x = self.at("mid_x_mm", y_mm) + c * forward_mm - s * right_mm
        z = self.at("mid_z_mm", y_mm) + s * forward_mm + c * right_mm
        return np.stack(np.broadcast_arrays(x, y_mm, z), axis=-1)


def chest_of(spine: Spine, outline: Outline, stature_mm: float, rng: np.random.Generator) -> Chest:
    """The chest wall between the column and the skin."""
    centres = spine.centres_mm
    level_y = centres[:, 1]
    t1, t12, l2 = (level_y[VERTEBRA_INDEX[n]] for n in ("T1", "T12", "L2"))
    scale = stature_mm / 1650.0
    y = np.arange(l2 - 10.0, t1 + 30.0, 4.0)
    share = (y - t12) / (t1 - t12)
    column = np.interp(y, level_y[::-1], centres[::-1, 0])
    fat = outline.at("fat_mm", y)
    # Behind, the angles of the ribs reach behind the transverse processes, and never into the skin.
    back = np.maximum(outline.at("back_mm", y) + fat + 5.0 * scale, column - 60.0 * scale)
    front = outline.at("front_mm", y) - 1.3 * fat - 8.0 * scale
    # Above the manubrium the front of the cage runs back to the first ribs.
    inlet = np.clip((share - 0.62) / 0.45, 0.0, 1.0) ** 1.5
    front = front + inlet * (column + 36.0 * scale - front)
    width = np.interp(share, _SHARE, _HALF_WIDTH_MM) * scale * rng.normal(1.0, 0.025)
    width = np.minimum(width, outline.at("half_width_mm", y) - 0.8 * fat - 8.0 * scale)
    return Chest(
        y, 0.5 * (front + back), 0.5 * (front - back), outline.at("mid_z_mm", y), width,
        np.radians(outline.at("twist_deg", y)), column, level_y, scale,
    )
