"""Writes a file whole or not at all: under a temporary name beside it, which then takes its place."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from edge.errors import OutputError


def write_whole(path: Path, content: str, what: str) -> None:
    """Write ``content`` as UTF-8; see ``write_whole_bytes``."""
    write_whole_bytes(path, content.encode(), what)


def write_whole_bytes(path: Path, content: bytes, what: str) -> None:
    """Write ``content`` to ``path``, making its folder; an older file is replaced only by a whole new one.

    Args:
        what: what the file is, for the error: "the evaluation".

    Raises:
        OutputError: the file cannot be written; nothing is left behind.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        os.replace(draft, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise OutputError(
            f"cannot write {what}", where=str(path), expected="a writable folder with free space",
            found=error.strerror or str(error), mend="choose another place",
        ) from error
