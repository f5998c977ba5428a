"""Real inputs of stage 1 for self-tests and comparisons: the views of recordings, or of a collected calibration set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.camera import open_camera
from edge.errors import RecordingError
from edge.lift import back_tensor, lateral_lift
from edge.runtime.stages import STAGES
from edge.view.gates import Refusal
from edge.view.see import see

Inputs = dict[str, NDArray[np.float32]]
"""Stage 1's inputs by name, batch 1."""

RECORDINGS: Final = (".mcap", ".bag", ".db3")


def read_views(sources: Sequence[str], limit: int) -> list[Inputs]:
    """The inputs of up to ``limit`` accepted views, taken evenly from all sources.

    Args:
        sources: each a recording, ``demo``, or a folder: every recording below it, or the arrays (``.npz``) of a
            calibration set.

    Raises:
        RecordingError: a source cannot be read, or holds no view that passes the gates.
    """
    places = [place for source in sources for place in _places(source)]
    if len(places) > limit:
        places = [places[i * len(places) // limit] for i in range(limit)]
    share = -(-limit // len(places))
    views: list[Inputs] = []
    for place in places:
        found = [_from_array(Path(place))] if place.endswith(".npz") else _from_recording(place, share)
        views += found[: limit - len(views)]
        if len(views) == limit:
            break
    if not views:
        raise RecordingError("no view passed the gates", where=", ".join(sources), expected="a bare back from behind",
                             found=f"{len(places)} sources without one", mend="give recordings that scan accepts")
    return views


def _places(source: str) -> list[str]:
    if source == "demo":
        return ["demo"]
    path = Path(source).expanduser()
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix in (*RECORDINGS, ".npz"))
        if not files:
            raise RecordingError("the folder holds no recording and no calibration set", where=source,
                                 expected=f"files {', '.join(RECORDINGS)} or .npz", found="none",
                                 mend="give a recording or what latx-calib collect wrote")
        return [str(file) for file in files]
    return [str(path)]


def _from_recording(place: str, wanted: int) -> list[Inputs]:
    views: list[Inputs] = []
    with open_camera("demo" if place == "demo" else f"file:{place}") as camera:
        previous = None
        while len(views) < wanted and (frame := camera.read()) is not None:
            view = see(frame, previous)
            previous = frame
            if not isinstance(view, Refusal):
                views.append({"back_view": back_tensor(view)[None], "lateral_lift": lateral_lift(view)[None]})
    return views


def _from_array(path: Path) -> Inputs:
    rules = STAGES["structure"].inputs
    try:
        with np.load(path, allow_pickle=False) as arrays:
            inputs = {rule.name: np.ascontiguousarray(arrays[rule.name], np.float32) for rule in rules}
    except (OSError, ValueError, KeyError) as failure:
        raise RecordingError("the view cannot be read", where=str(path),
                             expected=", ".join(rule.name for rule in rules), found=str(failure)[:120],
                             mend="collect the set again") from None
    for rule in rules:
        if inputs[rule.name].shape != rule.shape or not np.isfinite(inputs[rule.name]).all():
            raise RecordingError("the view does not fit the model", where=f"{path} ({rule.name})", expected=str(rule),
                                 found=f"{list(inputs[rule.name].shape)}, or values that are not finite",
                                 mend="collect the set again")
    return inputs
