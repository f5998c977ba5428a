"""From recordings to calibration views: the device's own gates, projection, lift and stage 1, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from calib.collect.view_check import View
from edge.camera import open_camera
from edge.errors import UsageError
from edge.lift import back_tensor, lateral_lift
from edge.runtime.bundle import Bundle
from edge.runtime.runner import TensorSpec
from edge.view.gates import Refusal
from edge.view.see import see

RECORDING = "recording.mcap"


@dataclass
class Gathered:
    """What became of the frames: per recording the views taken; refusals counted by reason."""

    views: int = 0
    refused: int = 0


def recordings_in(paths: Sequence[Path]) -> list[Path]:
    """Recordings that the paths name: files as they are, folders by the ``recording.mcap`` in or right below them.

    Raises:
        UsageError: a path that names none.
    """
    found: list[Path] = []
    for path in paths:
        inside = [p for p in (path / RECORDING, *sorted(path.glob(f"*/{RECORDING}"))) if p.is_file()]
        if not path.is_file() and not inside:
            raise UsageError("no recording here", where=str(path), expected=f"a recording, or folders with {RECORDING}",
                             found="none", mend="write some with latx-calib phantom or latx-edge record")
        found += [path] if path.is_file() else inside
    return found


def stage_inputs(bundle: Bundle) -> dict[str, TensorSpec]:
    """Every input of both stages, once each, by name."""
    return {spec.name: spec for stage in (bundle.structure, bundle.radiograph) for spec in stage.inputs}


def views_of(recording: Path, frames: int) -> Iterator[View | Refusal]:
    """Stage 1's inputs of the first ``frames`` frames that pass the gates, and the refusals in between.

    Raises:
        RecordingError: the recording cannot be read.
    """
    taken, previous = 0, None
    with open_camera(f"file:{recording}") as camera:
        while taken < frames and (frame := camera.read()) is not None:
            seen = see(frame, previous)
            previous = frame
            if isinstance(seen, Refusal):
                yield seen
                continue
            taken += 1
            yield {"back_view": back_tensor(seen)[None], "lateral_lift": lateral_lift(seen)[None]}


def gather(recordings: Sequence[Path], bundle: Bundle, frames: int, tally: Gathered) -> Iterator[View]:
    """Every input of both stages per accepted frame; stage 2's come from the bundle's own stage 1.

    Raises:
        RecordingError: a recording cannot be read. BundleError: the model failed.
    """
    names = stage_inputs(bundle)
    for recording in recordings:
        for view in views_of(recording, frames):
            if isinstance(view, Refusal):
                tally.refused += 1
                continue
            tally.views += 1
            known = view | bundle.structure.run(view)
            yield {name: known[name] for name in names}
