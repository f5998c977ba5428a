"""What is true of a phantom subject, measured on its own endplates by the code that the device uses."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.mount import View
from calib.phantom.subject import Spine, Subject
from calib.phantom.xray.picture import PNG_STEPS_PER_UNIT
from edge.anatomy import ENDPLATE_INDEX, ENDPLATE_POINTS, ENDPLATES
from edge.measure.angles import sagittal_angles
from edge.measure.coronal import cobb_major
from edge.view.grid import Grid

SCHEMA: Final = "latx-phantom-truth/1"
_DIGITS: Final = 4  # of millimetres and degrees


def truth_of(
    subject: Subject, view: View, camera_from_subject: list[NDArray[np.float64]], radiograph: Grid
) -> dict[str, Any]:
    """The content of ``truth.json``.

    ``angles`` and ``landmarks_mm`` are those of the radiograph's posture, ``*_photo`` those of the recording's; all
    positions are in the subject frame (ISB axes, origin at the centre of the S1 endplate). ``camera_from_subject``
    has one (4, 4) matrix (mm) per frame; the radiograph's pixel (0, 0) has its upper left corner at
    (left_mm, top_mm), and x falls towards the right.
    """
    traits = subject.traits
    return {
        "schema": SCHEMA,
        "seed": traits.seed,
        "tier": subject.tier,
        "angles": angles_of(subject.spine_radiograph),
        "angles_photo": angles_of(subject.spine_photo),
        "coronal": _curve_of(subject.spine_radiograph),
        "pelvis": pelvis_of(subject.spine_radiograph),
        "landmarks_mm": landmarks_of(subject.spine_radiograph),
        "landmarks_photo_mm": landmarks_of(subject.spine_photo),
        "traits": {
            "sex": traits.sex,
            "age_years": round(traits.age_years, 2),
            "stature_mm": round(traits.stature_mm, 1),
            "bmi": round(traits.bmi, 2),
            "curve_type": traits.curve_type,
        },
        "camera": {
            "model": view.camera_model,
            "distance_m": round(view.distance_m, 4),
            "pitch_deg": round(view.pitch_deg, 3),
            "roll_deg": round(view.roll_deg, 3),
            "yaw_deg": round(view.yaw_deg, 3),
        },
        "camera_from_subject": [np.round(pose, 6).tolist() for pose in camera_from_subject],
        "radiograph": {
            "mm_per_px": radiograph.mm_per_px,
            "top_mm": round(radiograph.top_mm, _DIGITS),
            "left_mm": round(radiograph.left_mm, _DIGITS),
            "steps_per_log_attenuation": PNG_STEPS_PER_UNIT,
        },
    }


def angles_of(spine: Spine) -> dict[str, float]:
    """Every sagittal angle and the major Cobb angle, degrees, under their names with the suffix ``_deg``."""
    angles = {f"{name}_deg": value for name, value in sagittal_angles(spine.endplates_mm).items()}
    angles["cobb_major_deg"] = cobb_major(spine.endplates_mm).value_deg
    return {name: round(float(value), _DIGITS) for name, value in angles.items()}


def pelvis_of(spine: Spine) -> dict[str, float]:
    """Pelvic incidence, pelvic tilt and sacral slope, degrees (Duval-Beaupere: PI = PT + SS)."""
    anterior, posterior, *_ = spine.endplates_mm[ENDPLATE_INDEX["S1", "superior"]]
    hips, plate = spine.femoral_heads_mm.mean(axis=0), 0.5 * (anterior + posterior)
    tilt = np.rad2deg(np.arctan2(hips[0] - plate[0], plate[1] - hips[1]))
    slope = np.rad2deg(np.arctan2(posterior[1] - anterior[1], anterior[0] - posterior[0]))
    values = {"pelvic_incidence_deg": tilt + slope, "pelvic_tilt_deg": tilt, "sacral_slope_deg": slope}
    return {name: round(float(value), _DIGITS) for name, value in values.items()}


def landmarks_of(spine: Spine) -> dict[str, dict[str, list[float]]]:
    """Rim points by endplate ("T4 superior") and point ("anterior"), each [x, y, z] in mm, subject frame."""
    return {
        f"{level} {side}": {
            point: np.round(rim, _DIGITS).tolist() for point, rim in zip(ENDPLATE_POINTS, endplate, strict=True)
        }
        for (level, side), endplate in zip(ENDPLATES, spine.endplates_mm, strict=True)
    }


def _curve_of(spine: Spine) -> dict[str, Any]:
    curve = cobb_major(spine.endplates_mm)
    return {
        "cobb_major_deg": round(curve.value_deg, _DIGITS),
        "upper_end_vertebra": curve.upper_end_vertebra,
        "lower_end_vertebra": curve.lower_end_vertebra,
        "apex_vertebra": curve.apex_vertebra,
        "convex_side": curve.convex_side,
    }
