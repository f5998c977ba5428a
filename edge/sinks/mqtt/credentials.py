"""Where a secret lies that the configuration names by a bare word: systemd hands the service copies of root's files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

INSTALLED: Final = Path("/etc/latx-edge/credentials")
"""Root's own files, which ``LoadCredential=`` copies: there root finds them who tries the broker by hand."""


def credential(path: Path) -> Path:
    """For a bare name the file of that name among the service's credentials, where it is there; else ``path``."""
    if path.parent != Path():
        return path
    handed_over = os.environ.get("CREDENTIALS_DIRECTORY")
    folders = ([Path(handed_over)] if handed_over else []) + [INSTALLED]
    return next((folder / path for folder in folders if os.path.exists(folder / path)), path)
