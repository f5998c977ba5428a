"""Real pairs as training samples, through the same ``edge.view.see`` as the device; format: see ``export.pairs``.

A subject is prepared once and kept in ``DIR/.prepared``, beside the data that it comes from and nowhere else; where
that folder cannot be written, it is prepared anew each time.
"""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge.errors import RecordingError, RefusedError, UsageError
from edge.view.back_view import BackView
from edge.view.gates import Refusal
from edge.view.see import see
from export.pairs.annotation import Annotation, read_json
from export.pairs.film import Film, film_path, read_film
from export.pairs.photograph import read_frames
from export.pairs.registration import body_from_film_mm, endplates_in_body, film_in_body
from export.train.sample import TrainingSample

PREPARED: Final = ".prepared"
PREPARATION: Final = "1"
"""Changes whenever the same files give another sample."""


def read_pair(folder: Path) -> TrainingSample:
    """The subject of ``folder``: its first accepted frame, its endplates and film in the body frame of that frame.

    Raises:
        RecordingError: a file is missing or damaged, or does not fit the others.
        RefusedError: no frame of the photograph passed the gates.
    """
    annotation = read_json(folder / "endplates.json", Annotation)
    path = film_path(folder)
    film = read_film(path, annotation) if path else None
    spacing = _spacing(folder, film, annotation)
    refusal: Refusal | None = None
    for frame in read_frames(folder):
        view = see(frame)
        if isinstance(view, Refusal):
            refusal = view
            continue
        shift = body_from_film_mm(annotation, spacing, frame, view, folder / "endplates.json")
        return TrainingSample(
            view=view,
            endplates_mm=endplates_in_body(annotation, spacing, shift),
            log_attenuation=None if film is None else film_in_body(film, annotation, shift),
            source=f"pair:{folder.name}",
        )
    if refusal is None:
        raise RecordingError("the photograph holds no frame", where=str(folder), expected="at least one", found="none")
    raise RefusedError(f"the photograph was refused as {refusal.reason}: {refusal.what}", where=str(folder),
                       expected=refusal.expected, found=refusal.found)


def _spacing(folder: Path, film: Film | None, annotation: Annotation) -> tuple[float, float]:
    if film is not None:
        return film.spacing_mm
    if annotation.mm_per_px is None:
        raise RecordingError("neither a radiograph nor the size of its pixels", where=str(folder),
                             expected="radiograph.dcm, radiograph.png, or mm_per_px in endplates.json", found="none")
    return annotation.mm_per_px, annotation.mm_per_px


class PairFolder:
    """The subjects of a folder as a ``SampleSource``; those whose photograph is refused are named and left out.

    Raises:
        UsageError: no subject in the folder, or none that can be used.
        RecordingError: a subject's files are missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subjects = sorted(p.parent for p in folder.glob("*/endplates.json")) if folder.is_dir() else []
        if not subjects:
            raise UsageError("no pairs in the folder", where=str(folder), expected="folders with endplates.json",
                             found="none", mend="latx-export pairs -h tells the format")
        self._samples: list[TrainingSample] = []
        for subject in subjects:
            try:
                self._samples.append(self._prepared(subject))
            except RefusedError as refusal:
                print(f"left out: {refusal.line()}", file=sys.stderr)
        if not self._samples:
            raise UsageError("no pair can be used", where=str(folder), found=f"{len(subjects)} refused photographs")

    @property
    def described(self) -> str:
        """How many pairs from where, e.g. ``pairs 0412 (412 subjects)``."""
        return f"real pairs {self.folder.name} ({len(self)} subjects)"

    @property
    def has_radiograph(self) -> list[bool]:
        """Per subject."""
        return [sample.log_attenuation is not None for sample in self._samples]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> TrainingSample:
        return self._samples[index]

    def _prepared(self, subject: Path) -> TrainingSample:
        kept = self.folder / PREPARED / f"{subject.name}.npz"
        key = _key(subject)
        sample = _load(kept, key, subject)
        if sample is None:
            sample = read_pair(subject)
            _keep(kept, key, sample)
        return sample


def _key(subject: Path) -> str:
    """What a prepared sample depends on: the subject's files by name, size and time, and the preparation itself."""
    files = sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in subject.iterdir() if p.is_file())
    return hashlib.sha256(repr((PREPARATION, files)).encode()).hexdigest()


def _load(path: Path, key: str, subject: Path) -> TrainingSample | None:
    try:
        with np.load(path) as data:
            if str(data["key"]) != key:
                return None
            view = BackView(
                data["surface_x_mm"], data["mask"], data.get("colour"),
                data["body_from_camera"],
            )
            film = data.get("film")
            return TrainingSample(view, data["endplates_mm"], film, f"pair:{subject.name}")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # absent, or left half-written by a crash: it is made again


def _keep(path: Path, key: str, sample: TrainingSample) -> None:
    arrays: dict[str, Any] = {
        "key": key, "surface_x_mm": sample.view.surface_x_mm, "mask": sample.view.mask, "colour": sample.view.colour,
        "body_from_camera": sample.view.body_from_camera, "endplates_mm": sample.endplates_mm,
        "film": sample.log_attenuation,
    }
    draft = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        path.parent.mkdir(exist_ok=True)
        np.savez(draft, **{k: np.asarray(v) for k, v in arrays.items() if v is not None})  # type: ignore[arg-type]
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
