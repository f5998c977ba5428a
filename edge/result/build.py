"""The record of one scan: a fused scan and its bundle, turned into the models of ``result.json``."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ENDPLATE_POINTS
from edge.fuse import FusedAngle, ScanResult
from edge.measure.angles import ANGLE_LEVELS
from edge.result import models
from edge.result.identity import clock_synced, device_id, rfc3339
from edge.runtime.bundle import Bundle
from edge.view.grid import RADIOGRAPH

RADIOGRAPH_FILE = "radiograph.png"
_DECIMALS = 2  # of degrees and millimetres: a hundredth is far below what is measured


def build_result(scan: ScanResult, bundle: Bundle, *, scan_id: str, radiograph_png: bytes, total_ms: float,
                 subject_ref: str | None = None) -> models.Result:
    """The validated record of a scan.

    Args:
        radiograph_png: the bytes of ``radiograph.png``, for its hash.
        total_ms: wall time of the whole scan.
        subject_ref: opaque reference of the operator, or None.
    """
    manifest = bundle.manifest
    return models.Result(
        scan_id=scan_id,
        device_id=device_id(),
        subject_ref=subject_ref,
        captured_at=rfc3339(scan.captured_at_ns),
        clock_synced=clock_synced(),
        model=models.Model(name=manifest.name, version=manifest.version, sha256=bundle.sha256,
                           precision=bundle.precision or manifest.precision, runtime=bundle.structure.runtime,
                           trained_on=manifest.trained_on),
        angles={name: _angle(angle, ANGLE_LEVELS[name]) for name, angle in scan.angles.items()},
        coronal=models.Coronal(cobb_major=_cobb(scan)),
        landmarks_mm=_landmarks(scan.endplates_mm),
        quality=models.Quality(accepted_frames=scan.accepted_frames, rejected_frames=scan.rejected_frames,
                               refusals=scan.refusals, gates={k: round(v, 4) for k, v in scan.gates.items()},
                               repeat=scan.repeat,
                               reread_deg={k: round(v, _DECIMALS) for k, v in scan.reread_deg.items()},
                               contradicted=scan.contradicted),
        radiograph=models.RadiographFile(file=RADIOGRAPH_FILE, sha256=hashlib.sha256(radiograph_png).hexdigest(),
                                         width=RADIOGRAPH.cols, height=RADIOGRAPH.rows,
                                         mm_per_px=RADIOGRAPH.mm_per_px),
        timing_ms={k: round(v, _DECIMALS) for k, v in (scan.timing_ms | {"total_scan": total_ms}).items()},
    )


def _rounded(angle: FusedAngle) -> dict[str, float | None]:
    repeatability = angle.repeatability_deg
    return {
        "value_deg": round(angle.value_deg, _DECIMALS),
        "low_deg": round(angle.interval.low_deg, _DECIMALS),
        "high_deg": round(angle.interval.high_deg, _DECIMALS),
        "repeatability_deg": None if repeatability is None else round(repeatability, _DECIMALS),
    }


def _angle(angle: FusedAngle, levels: str) -> models.Angle:
    return models.Angle.model_validate({**_rounded(angle), "levels": levels})


def _cobb(scan: ScanResult) -> models.Cobb:
    curve = scan.cobb_curve
    return models.Cobb.model_validate({
        **_rounded(scan.cobb),
        "upper_end_vertebra": curve.upper_end_vertebra,
        "lower_end_vertebra": curve.lower_end_vertebra,
        "apex_vertebra": curve.apex_vertebra,
        "convex_side": curve.convex_side,
    })


def _landmarks(endplates_mm: NDArray[np.floating]) -> dict[str, models.EndplateLandmarks]:
    rounded = np.round(endplates_mm, _DECIMALS).tolist()
    return {
        key: models.EndplateLandmarks.model_validate(dict(zip(ENDPLATE_POINTS, points, strict=True)))
        for key, points in zip(models.ENDPLATE_KEYS, rounded, strict=True)
    }
