"""Writes one phantom subject to a folder: recording, radiograph, truth and preview, all of them or nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from calib.phantom.depth_camera import iterate_frames, true_poses
from calib.phantom.mount import View, sample_view
from calib.phantom.preview import preview
from calib.phantom.radiograph import render_radiograph
from calib.phantom.sampler import sample_subject
from calib.phantom.subject import Subject
from calib.phantom.truth import truth_of
from calib.phantom.xray.picture import save_radiograph_png
from edge.camera.mcap_writer import RecordingWriter
from edge.draw.radiograph import png
from edge.errors import OutputError
from edge.view.gates import Refusal
from edge.view.see import see

FILES: Final = ("recording.mcap", "radiograph.png", "truth.json", "preview.png")
VIEW_STREAM: Final = 12
_SHOWN_FRAMES: Final = 6
_MOUNTS: Final = 4  # mounts that are tried before the last one is kept as it is


def write_phantom(seed: int, tier: str, out_dir: Path, frames: int = 12, view: View | None = None) -> Path:
    """Write the subject of ``seed`` to ``out_dir`` and return it.

    ``view`` is drawn from the seed unless given; a drawn mount whose first frame is refused is drawn again, as who
    sets up a kiosk moves it until it sees the back. An older phantom in ``out_dir`` is replaced.

    Raises:
        OutputError: ``out_dir`` holds something else, or cannot be written.
        UsageError: unknown tier or camera.
    """
    out_dir = Path(os.path.abspath(out_dir))  # "." has no name to make a draft's from
    subject = sample_subject(seed, tier)
    draft = out_dir.with_name(f".{out_dir.name}.{os.getpid()}.partial")
    try:
        _refuse_foreign(out_dir)
        view = view or fitting_view(subject, seed)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _write_all(subject, view, seed, frames, draft)
        _move_into_place(draft, out_dir)
    except OSError as error:
        raise OutputError(
            "cannot write the phantom", where=str(out_dir), expected="a writable folder",
            found=str(error.strerror or error), mend="choose another --out",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return out_dir


def fitting_view(subject: Subject, seed: int) -> View:
    """The first of a few drawn mounts from which the device would accept the subject, else the last."""
    for attempt in range(_MOUNTS):
        view = sample_view(np.random.default_rng([seed, VIEW_STREAM, attempt]), subject.tier)
        if not isinstance(see(next(iter(iterate_frames(subject, view, 1, seed)))), Refusal):
            break
    return view


def is_written(out_dir: Path, seed: int, tier: str, frames: int) -> bool:
    """Whether ``out_dir`` already holds this very phantom, whole."""
    if not all((out_dir / name).is_file() for name in FILES):
        return False
    try:
        truth = json.loads((out_dir / "truth.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    found = truth.get("seed"), truth.get("tier"), len(truth.get("camera_from_subject", ()))
    return found == (seed, tier, frames)


def _write_all(subject: Subject, view: View, seed: int, frames: int, folder: Path) -> None:
    recording, radiograph_png, truth_json, preview_png = (folder / name for name in FILES)
    stream = iterate_frames(subject, view, frames, seed)
    first = next(stream)
    shown = [first]
    with RecordingWriter(
        recording, first.intrinsics, first.gravity, model=first.camera_model, serial=first.camera_serial
    ) as writer:
        writer.write(first)
        for frame in stream:
            writer.write(frame)
            if len(shown) < _SHOWN_FRAMES:
                shown.append(frame)
    radiograph = render_radiograph(subject)
    save_radiograph_png(radiograph.log_attenuation, radiograph_png)
    poses = true_poses(subject, view, frames, seed)
    truth = truth_of(subject, view, poses, radiograph.grid)
    truth_json.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    preview_png.write_bytes(png(preview(subject, shown, poses[0], radiograph), compression=6))


def _refuse_foreign(out_dir: Path) -> None:
    if not out_dir.exists():
        return
    if not out_dir.is_dir() or any(p.name not in FILES for p in out_dir.iterdir()):
        raise OutputError(
            "the output folder holds something else", where=str(out_dir), expected="no folder, or an older phantom",
            found="a file" if not out_dir.is_dir() else "other files", mend="choose another --out",
        )


def _move_into_place(draft: Path, out_dir: Path) -> None:
    old = out_dir.with_name(f".{out_dir.name}.{os.getpid()}.old")
    if out_dir.exists():
        out_dir.rename(old)
    draft.rename(out_dir)
    shutil.rmtree(old, ignore_errors=True)
