"""The FFT library compiles without warnings for a Jetson, loads without a GPU, and refuses what it cannot do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.errors import MissingDependencyError, OutputError, ServiceError, UsageError
from export.plugin import build as builder
from export.plugin.library import FftLibrary, FftShape

SHAPE = FftShape(24, 32, 16)


@pytest.fixture
def library(library_file: Path):
    with FftLibrary(library_file) as opened:
        yield opened


def test_it_compiles_for_orin_with_warnings_as_errors_and_loads(library_file: Path) -> None:
    assert b"sm_87" in library_file.read_bytes()
    with FftLibrary(library_file) as library:
        library.close()  # and once more at the end of the block


def test_a_warning_is_an_error(library_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(builder.SOURCES, sources, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    kernels = sources / "cuda" / "kernels.cu"
    kernels.write_text(kernels.read_text().replace("namespace latx::fft\n{\n", "namespace latx::fft\n{\n"
                                                   "__global__ void idle_kernel() { int unused = 1; }\n", 1))
    monkeypatch.setattr(builder, "SOURCES", sources)
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(library_file, out)
    before = (out / builder.LIBRARY).read_bytes()
    with pytest.raises(UsageError, match="does not build"):
        builder.build(out, [87])
    assert (out / builder.LIBRARY).read_bytes() == before, "the former library is untouched"


@pytest.mark.parametrize("shape", [FftShape(0, 32, 16), FftShape(1, 0, 16), FftShape(1, 32, -1),
                                   FftShape(1 << 40, 32, 16), FftShape(1, 2**31 - 1, 2**31 - 1)])
def test_sizes_that_it_cannot_take_are_refused(library: FftLibrary, shape: FftShape) -> None:
    with pytest.raises(UsageError, match="a size below 1 or too large"):
        library.prepare(shape, inverse=False)


def test_null_pointers_are_refused(library: FftLibrary) -> None:
    for run in (library.rfft2, library.irfft2):
        with pytest.raises(UsageError, match="null pointer"):
            run(SHAPE, 0, 0, 0, 0)


def test_without_a_gpu_it_says_so_and_does_not_crash(library: FftLibrary) -> None:
    if Path("/dev/nvidiactl").exists():
        assert library.prepare(SHAPE, inverse=True) > 0
        return
    for inverse in (False, True):
        with pytest.raises(ServiceError, match="no NVIDIA GPU"):
            library.prepare(SHAPE, inverse)
    with pytest.raises(ServiceError, match="no NVIDIA GPU"):
        library.rfft2(SHAPE, 256, 256, 0, 0)


def test_a_file_that_is_no_library_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(MissingDependencyError, match=r"text\.so"):
        FftLibrary(tmp_path / "text.so")


def test_headers_that_are_not_there_are_refused_before_anything_is_compiled(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"NvInfer\.h"):
        builder.build(tmp_path / "out", [87], tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_missing_compiler_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder.shutil, "which", lambda *_args, **_kwargs: None)
    with pytest.raises(MissingDependencyError, match=r"nvcc is not installed.*CUDA toolkit"):
        builder.find_nvcc()


def test_a_place_that_cannot_be_written_is_an_output_error(library_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write the library"):
        builder._put(library_file, tmp_path / "file" / "liblatx_fft.so")
