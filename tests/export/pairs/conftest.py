"""Phantom subjects written as real pairs, once per session, and copies of them to damage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export.pairs.phantom_pair import write_phantom_pair

SEED = 4


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A subject with a DICOM film and a recording."""
    return write_phantom_pair(SEED, "sensor", tmp_path_factory.mktemp("pairs") / "0001", frames=1)


@pytest.fixture
def changed(pair: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the pair whose annotation is changed; a value of None removes the field."""

    def change(**fields: Any) -> Path:
        folder = tmp_path / "0001"
        shutil.copytree(pair, folder, dirs_exist_ok=True)
        path = folder / "endplates.json"
        annotation = json.loads(path.read_text()) | fields
        path.write_text(json.dumps({name: value for name, value in annotation.items() if value is not None}))
        return folder

    return change
