"""A fused scan turned into the files that a result consists of: record, radiograph, overlay."""

from __future__ import annotations

from typing import Final

from edge.draw.overlay import overlay_picture
from edge.draw.radiograph import png, radiograph_picture
from edge.result.build import RADIOGRAPH_FILE, build_result
from edge.result.identity import new_scan_id
from edge.runtime.bundle import Bundle
from edge.scan import Scan
from edge.sinks.sink import Report

RESULT_FILE: Final = "result.json"
OVERLAY_FILE: Final = "overlay.png"
FILES: Final = (RESULT_FILE, RADIOGRAPH_FILE, OVERLAY_FILE)
"""Every file of a result folder, in the order in which a person is told of them."""


def make_report(scan: Scan, bundle: Bundle, subject_ref: str | None = None) -> Report:
    """Draw the pictures of a scan and write its record, in memory.

    Args:
        subject_ref: opaque reference of the operator, or None. Never a name.
    """
    fused, manifest = scan.result, bundle.manifest
    radiograph = png(radiograph_picture(fused.log_attenuation))
    result = build_result(fused, bundle, scan_id=new_scan_id(), radiograph_png=radiograph, total_ms=scan.total_ms,
                          subject_ref=subject_ref)
    looked_at = fused.accepted_frames + fused.rejected_frames
    footnote = f"{fused.accepted_frames} of {looked_at} frames   model {manifest.name} {manifest.version}"
    overlay = png(overlay_picture(fused.log_attenuation, fused.endplates_mm, fused.angles, fused.cobb,
                                  fused.cobb_curve, footnote))
    return Report(result, {RESULT_FILE: result.to_json().encode(), RADIOGRAPH_FILE: radiograph, OVERLAY_FILE: overlay})
