"""Scanned backs with radiographic truth as trials: folders of ``scan.ply`` and ``spine.json``, or imported recordings.

They are for evaluation only: nothing here writes a sample that training could read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from edge.camera import open_camera
from edge.cli.truth import TRUTH_FILE, true_angles
from edge.errors import MissingDependencyError, RecordingError, UsageError
from edge.view.back_view import BackView
from export.evaluate.trial import FrameSource, Trial, Values

RECORDING: Final = "recording.mcap"
SCAN: Final = "scan.ply"
SPINE: Final = "spine.json"
FILM: Final = "lat.jpg"


def scan_trials(folder: Path, frames: int) -> list[Trial]:
    """Every subject below ``folder``, by name.

    Args:
        frames: that a scanner's back is turned into; an imported recording has its own.

    Raises:
        UsageError: no subject there. RecordingError: one that cannot be read.
    """
    found = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    trials = [_scanned(path, frames) for path in found if (path / SCAN).is_file()]
    trials += [_recorded(path) for path in found if not (path / SCAN).is_file() and (path / RECORDING).is_file()]
    if not trials:
        raise UsageError("no scans to evaluate", where=str(folder),
                         expected=f"NN/{SCAN} with NN/spine.json, or NN/{RECORDING} with NN/{TRUTH_FILE}", found="none",
                         mend="see latx-calib import scans -h for the format")
    return trials


def _scanned(folder: Path, frames: int) -> Trial:
    try:
        from calib.import_scans.convert import DISTANCE_M, scan_frames, truth_of
        from calib.import_scans.placement import apply, camera_from_scan
        from calib.import_scans.scan import load_scan
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "evaluating scans needs a package that is not installed", expected=str(error.name), found="nothing",
            mend="pip install 'latxgen-edge[phantom]'",
        ) from error
    scan = load_scan(folder)
    truth = truth_of(scan)
    spinous = _spinous_line(folder / SPINE)
    if spinous is not None:
        place = scan.xray_from_scan
        spinous = apply(camera_from_scan(scan, 1000.0 * DISTANCE_M), (spinous - place[:3, 3]) @ place[:3, :3])
    angles = {name.removesuffix("_deg"): float(value) for name, value in scan.angles_deg.items()}
    return Trial(
        name=scan.name,
        open_camera=lambda: FrameSource(scan_frames(scan, frames), f"scan {scan.name}"),
        true_deg=angles,
        line_mm=_line_of(truth["centreline_camera_mm"]),
        spinous_mm=None if spinous is None else _line_of(spinous),
        folder=folder,
    )


def _spinous_line(path: Path) -> Values | None:
    """(N, 3) line of the spinous processes on the skin, frame of the radiographs, where the file has one."""
    try:
        line = np.array(json.loads(path.read_text(encoding="utf-8")).get("surface_midline_mm"), np.float64)
    except (OSError, ValueError, TypeError):
        return None
    return line if line.ndim == 2 and line.shape[1] == 3 and len(line) > 2 else None


def _recorded(folder: Path) -> Trial:
    uri = f"file:{folder / RECORDING}"
    truth = true_angles(uri)
    if not truth:
        raise UsageError("no truth beside the recording", where=str(folder), expected=TRUTH_FILE, found="none")
    try:
        line = json.loads((folder / TRUTH_FILE).read_text(encoding="utf-8")).get("centreline_camera_mm")
    except (OSError, ValueError, AttributeError) as error:
        raise RecordingError("the truth cannot be read", where=str(folder / TRUTH_FILE), expected="a JSON object",
                             found=str(error)) from error
    return Trial(folder.name, partial(open_camera, uri), truth, line_mm=_line_of(line) if line else None, folder=folder)


def _line_of(line_camera_mm: ArrayLike) -> Callable[[BackView], Values]:
    line = np.array(line_camera_mm, np.float64)

    def in_body(view: BackView) -> Values:
        transform = view.body_from_camera
        return np.asarray(line @ transform[:3, :3].T + transform[:3, 3])

    return in_body
