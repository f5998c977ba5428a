"""Builds the FFT library, and TensorRT's plugin over it where TensorRT's headers are given, with CMake and nvcc."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge.errors import MissingDependencyError, OutputError, UsageError

SOURCES: Final = Path(__file__).resolve().parent
LIBRARY: Final = "liblatx_fft.so"
PLUGIN: Final = "liblatx_fft_plugin.so"
_TOOLKIT_FOLDERS: Final = ("/usr/local/cuda/bin", "/usr/local/bin")


def build(out: Path, architectures: Sequence[int] = (), tensorrt_include: Path | None = None) -> list[Path]:
    """Compile, with warnings as errors, and put the libraries into ``out``; older ones give way to whole new ones.

    Args:
        architectures: compute capabilities such as 87 (Orin), 90, 110 (Thor); none takes those of the three that
            nvcc knows.
        tensorrt_include: folder with ``NvInfer.h``; None builds the library alone.

    Raises:
        MissingDependencyError: nvcc, cuFFT or CMake is missing. UsageError: no headers there, or they do not compile.
        OutputError: ``out`` cannot be written.
    """
    if tensorrt_include is not None and not (tensorrt_include / "NvInfer.h").is_file():
        raise UsageError("no TensorRT headers there", where=str(tensorrt_include), expected="a folder with NvInfer.h",
                         found="none", mend="take include/ of github.com/NVIDIA/TensorRT at the device's release")
    cmake = _program("cmake", "pip install cmake, or apt-get install cmake")
    configure = [
        cmake, "-S", str(SOURCES), f"-DCMAKE_CUDA_COMPILER={find_nvcc()}",
        *(["-G", "Ninja"] if _which("ninja") else []),
        *([f"-DCMAKE_MAKE_PROGRAM={_which('ninja')}"] if _which("ninja") else []),
        *([f"-DCUFFT_ROOT={root}"] if (root := cufft_wheel()) else []),
        *(["-DCMAKE_CUDA_ARCHITECTURES=" + ";".join(map(str, architectures))] if architectures else []),
        *([f"-DTENSORRT_INCLUDE={tensorrt_include.resolve()}"] if tensorrt_include is not None else []),
    ]
    with tempfile.TemporaryDirectory(prefix="latx-plugin-") as scratch:
        _run([*configure, "-B", scratch])
        _run([cmake, "--build", scratch, "--parallel"])
        wanted = [LIBRARY] if tensorrt_include is None else [LIBRARY, PLUGIN]
        return [_put(Path(scratch) / name, out / name) for name in wanted]


def find_nvcc() -> str:
    """Path of the CUDA compiler.

    Raises:
        MissingDependencyError: there is none.
    """
    for folder in (os.environ.get("CUDA_HOME", ""), os.environ.get("CUDA_PATH", "")):
        if folder and (found := shutil.which("nvcc", path=f"{folder}/bin")):
            return found
    return _program("nvcc", "install NVIDIA's CUDA toolkit, 12.6 or newer, or set CUDA_HOME")


def cufft_wheel() -> Path | None:
    """Folder of cuFFT's wheel with ``include`` and ``lib``; None where the toolkit's own is to be used."""
    spec = importlib.util.find_spec("nvidia")
    for base in spec.submodule_search_locations or () if spec else ():
        for header in sorted(Path(base).glob("*/include/cufft.h")):
            return header.parents[1]
    return None


def _which(name: str) -> str | None:
    # Programs of a wheel lie beside the interpreter, also where its environment was not activated.
    places = [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent), *_TOOLKIT_FOLDERS]
    return shutil.which(name, path=os.pathsep.join(places))


def _program(name: str, mend: str) -> str:
    found = _which(name)
    if found is None:
        raise MissingDependencyError(f"{name} is not installed", expected=f"{name} on the search path", mend=mend)
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()
        telling = next((line.strip() for line in lines if "error" in line.lower()), " ".join(lines[-3:]))
        raise UsageError("the FFT library does not build", where=str(SOURCES), expected="no errors and no warnings",
                         found=telling[:300], mend="give a CUDA toolkit and TensorRT headers of the device's release")


def _put(built: Path, to: Path) -> Path:
    draft = to.with_name(f".{to.name}.{os.getpid()}.partial")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built, draft)
        draft.chmod(0o755)
        os.replace(draft, to)
    except OSError as failure:
        raise OutputError("cannot write the library", where=str(to), expected="a writable folder with free space",
                          found=failure.strerror or str(failure), mend="choose another --out") from failure
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return to
