"""TensorRT's timing cache between builds: measured kernel times, worth minutes, valid only where they were measured.

The file's name holds everything that TensorRT demands to be the same (TensorRT, CUDA, GPU, the builder's options), so
that another cache is never even offered. It is a convenience: whatever is wrong with it, the build goes on without.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from edge.runtime.engine_manifest import Environment
from edge.whole_file import write_whole_bytes
from export.engine.build import BuildOptions


def default_folder() -> Path:
    """``latx/tensorrt`` in the user's cache folder (XDG base directory specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "latx" / "tensorrt"


def cache_path(folder: Path, here: Environment, options: BuildOptions) -> Path:
    """The only file that a build here and with these options may use."""
    gpu = re.sub(r"[^A-Za-z0-9]+", "-", here.gpu).strip("-")
    config = hashlib.sha256(repr(options).encode()).hexdigest()[:8]
    capability = here.compute_capability.replace(".", "")
    return folder / (f"timing-trt{here.tensorrt}-cuda{here.cuda}-{gpu}-sm{capability}-{here.multiprocessors}sm-"
                     f"{config}.cache")


def read_cache(path: Path) -> bytes:
    """The cache, or b"" where there is none that can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def keep_cache(path: Path, cache: bytes) -> None:
    """Write the cache whole.

    Raises:
        OutputError: it cannot be written; an older one stays as it was.
    """
    if cache:
        write_whole_bytes(path, cache, "the timing cache")
