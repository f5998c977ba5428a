"""A calibration set on disk: one .npz per view, and ``set.json``, which lists each by its sha256.

The set is written whole or not at all, and checked whole before a number of it is used. It holds no picture and no
name: stage inputs are depth and shading on the body's grid, numbered in the order in which they were collected.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pydantic
from pydantic import Field

from calib.collect.view_check import View, check_count, check_view
from edge.errors import OutputError, UsageError
from edge.runtime.bundle import file_entry, sha256_of
from edge.runtime.manifest import FileEntry, Sha256, StrictModel, TensorEntry
from edge.runtime.runner import TensorSpec

SET_FILE: Final = "set.json"
SCHEMA_VERSION: Final = "1.0"


class SetManifest(StrictModel):
    """``set.json``. ``structure_sha256``: the stage 1 that made the inputs of stage 2."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    created_at: str
    structure_sha256: Sha256
    recordings: int = Field(ge=1)
    tensors: tuple[TensorEntry, ...]
    views: tuple[FileEntry, ...]


@dataclass(frozen=True)
class CalibrationSet:
    """A checked set. sha256: of ``set.json``, which names the set as a whole."""

    views: list[View]
    manifest: SetManifest
    sha256: str
    folder: Path


@contextmanager
def draft_folder(folder: Path, what: str, own: str) -> Iterator[Path]:
    """A folder to write into, which takes the place of ``folder`` when all went well and is gone when not.

    Args:
        what: what it is, for the error. own: the file that marks an older one, which alone may be replaced.

    Raises:
        UsageError: ``folder`` holds something else. OutputError: it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / own).exists())):
        raise UsageError(f"the folder is not empty and no {what}", where=str(folder), mend="choose another --out")
    draft = folder.with_name(f".{folder.name}.draft-{os.getpid()}")
    old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    try:
        draft.mkdir(parents=True)
        yield draft
        if folder.exists():
            os.rename(folder, old)
        os.rename(draft, folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        raise OutputError(f"cannot write the {what}", where=str(folder), expected="a writable folder with free space",
                          found=error.strerror or str(error), mend="choose another --out") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_set(folder: Path, views: Iterable[View], specs: dict[str, TensorSpec], recordings: int,
              structure_sha256: str, created_at: str) -> SetManifest:
    """Write a set; views are checked as they come.

    Raises:
        UsageError: see ``check_view`` and ``check_count``. OutputError: the folder cannot be written.
    """
    with draft_folder(folder, "calibration set", SET_FILE) as draft:
        entries: dict[str, FileEntry] = {}
        for number, view in enumerate(views):
            check_view(view, specs, f"{folder} (view {number})")
            path = draft / f"view-{number:04d}.npz"
            np.savez_compressed(path, allow_pickle=False, **view)
            entry = FileEntry(**file_entry(path))
            entries[_content_hash(view)] = entry
        check_count(len(entries), str(folder))
        manifest = SetManifest(
            created_at=created_at, structure_sha256=structure_sha256, recordings=recordings,
            tensors=tuple(TensorEntry(name=s.name, shape=s.shape, dtype=s.dtype) for s in specs.values()),
            views=tuple(entries.values()),
        )
        (draft / SET_FILE).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return manifest


def load_set(folder: Path, specs: dict[str, TensorSpec], structure_sha256: str) -> CalibrationSet:
    """Read a set and check every file and number of it.

    Args:
        specs: inputs of both stages that the set is used for. structure_sha256: stage 1 of that bundle.

    Raises:
        UsageError: no set, one of another bundle, a file that is missing or altered, or a view that is no good.
    """
    path, mend = folder / SET_FILE, "collect the set again with latx-calib collect"
    try:
        raw = path.read_bytes()
        manifest = SetManifest.model_validate_json(raw)
    except OSError as error:
        raise UsageError("there is no calibration set here", where=str(folder), expected=f"a folder with {SET_FILE}",
                         found=error.strerror or str(error), mend="make one with latx-calib collect") from None
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the whole file"
        raise UsageError("the calibration set does not fit", where=f"{path} ({field})", expected=first["msg"],
                         found=repr(first["input"])[:80], mend=mend) from None
    if manifest.structure_sha256 != structure_sha256:
        raise UsageError("the calibration set was collected with another stage 1", where=str(path),
                         expected=f"structure.onnx {structure_sha256[:16]}", found=manifest.structure_sha256[:16],
                         mend=f"{mend}, with --bundle of this one")
    check_count(len({entry.sha256 for entry in manifest.views}), str(path))
    views = [_load_view(folder, entry, specs, mend) for entry in manifest.views]
    check_count(len({_content_hash(view) for view in views}), str(path))
    return CalibrationSet(views, manifest, hashlib.sha256(raw).hexdigest(), folder)


def _load_view(folder: Path, entry: FileEntry, specs: dict[str, TensorSpec], mend: str) -> View:
    path = folder / entry.file
    found = sha256_of(path) if path.is_file() else "no such file"
    if found != entry.sha256:
        raise UsageError("a view of the calibration set is missing or altered", where=str(path),
                         expected=f"sha256 {entry.sha256[:16]}", found=found[:16], mend=mend)
    try:
        with np.load(path, allow_pickle=False) as stored:
            view = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError("a view of the calibration set cannot be read", where=str(path), expected="an .npz file",
                         found=" ".join(str(error).split())[:120], mend=mend) from None
    check_view(view, specs, str(path))
    return view


def _content_hash(view: View) -> str:
    digest = hashlib.sha256()
    for name in sorted(view):
        digest.update(np.ascontiguousarray(view[name]).tobytes())
    return digest.hexdigest()
