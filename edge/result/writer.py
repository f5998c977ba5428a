"""A result folder that appears whole or not at all, whatever happens while it is written.

Files go into a hidden sibling folder, are flushed to the disk, and one rename makes them visible. A power cut or a
SIGKILL leaves at most the hidden folder, which ``sweep`` removes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge.errors import OutputError

PARTIAL: Final = ".partial-"
"""Prefix of the hidden folders."""


def write_folder(out: Path, scan_id: str, files: Mapping[str, bytes]) -> Path:
    """Write ``out/scan_id`` with its files, atomically.

    Returns:
        the finished folder.

    Raises:
        OutputError: it cannot be created or written, or exists already. Nothing half-written stays behind.
    """
    # A name of its own: two receivers may write the same report into a folder that they share.
    target, partial = out / scan_id, out / f"{PARTIAL}{scan_id}-{secrets.token_hex(4)}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise OutputError("there is a result with this name already", where=str(target), expected="a new scan id",
                              found="an existing one", mend="remove the old result or give another --out")
        partial.mkdir()
        for name, content in files.items():
            _write_through(partial / name, content)
        _flush_folder(partial)
        partial.rename(target)
        _flush_folder(out)
    except OSError as failure:
        raise OutputError("the result cannot be written", where=str(out), expected="a writable folder with free space",
                          found=failure.strerror or str(failure), mend="give another folder with --out") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def check_writable(out: Path) -> None:
    """Find out before a scan, not after it, that a result could not be written.

    Raises:
        OutputError: the folder cannot be created or written.
    """
    probe = out / f"{PARTIAL}probe-{os.getpid()}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe.mkdir()
        probe.rmdir()
    except OSError as failure:
        raise OutputError("results cannot be written here", where=str(out), expected="a writable folder",
                          found=failure.strerror or str(failure), mend="give another folder with --out") from None


def sweep(out: Path, older_than_s: float = 3600.0) -> int:
    """Remove hidden folders that a killed process left, and return how many.

    Only those untouched for ``older_than_s``: a younger one may still be in use by another process.
    """
    removed = 0
    for partial in out.glob(f"{PARTIAL}*"):
        if partial.is_dir() and time.time() - partial.stat().st_mtime > older_than_s:
            shutil.rmtree(partial, ignore_errors=True)
            removed += 1
    return removed


def _write_through(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
