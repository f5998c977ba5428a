"""The FFT library, built once for all of these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import MissingDependencyError
from export.plugin.build import build, find_nvcc

ORIN = 87


@pytest.fixture(scope="session")
def library_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """liblatx_fft.so for Orin; skips, saying so, where there is no nvcc."""
    try:
        find_nvcc()
    except MissingDependencyError as missing:
        pytest.skip(f"the FFT library is not compiled here: {missing}")
    return build(tmp_path_factory.mktemp("plugin"), [ORIN])[0]
