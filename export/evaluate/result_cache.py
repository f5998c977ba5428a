"""Results of single subjects, kept so that a broken-off evaluation goes on where it stopped.

A result is found again only for the same bundle, subject, options and source of everything that takes part in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from edge.whole_file import write_whole
from export.evaluate.case import Case

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = ("calib/phantom", "edge/view", "edge/measure", "edge/lift.py", "edge/pipeline.py", "edge/fuse.py",
                  "edge/scan.py", "export/evaluate")
"""What a result depends on beside its bundle: a change in any of them makes every kept result another one."""


@lru_cache(maxsize=1)
def sources_digest() -> str:
    """Hex digest of the code of ``SOURCES``."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(ROOT)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


class ResultCache:
    """Cases on disk by what they are the result of. ``folder`` None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def find(self, what: Mapping[str, object]) -> Case | None:
        """The case that ``keep`` was given for the same ``what``; None where there is none or it cannot be read."""
        path = self._path(what)
        if path is None or not path.is_file():
            return None
        try:
            return Case.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None  # written by another version: it is made anew

    def keep(self, what: Mapping[str, object], case: Case) -> None:
        """Keep a case, whole or not at all.

        Raises:
            OutputError: the folder cannot be written.
        """
        path = self._path(what)
        if path is not None:
            write_whole(path, case.model_dump_json(), "a kept result")

    def _path(self, what: Mapping[str, object]) -> Path | None:
        if self.folder is None:
            return None
        key = json.dumps({**what, "sources": sources_digest()}, sort_keys=True, default=str)
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
