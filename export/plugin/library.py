"""The FFT library from Python: its C interface (``cuda/latx_fft.h``) through ctypes, with its statuses as errors."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.errors import BundleError, LatxError, MissingDependencyError, ServiceError, UsageError

ABI: Final = 1
TYPES: Final = {"float32": 0, "float16": 1}
"""Type of image and spectrum in memory -> ``latx_fft_type``."""

_ERRORS: Final[dict[int, type[LatxError]]] = {
    1: UsageError, 2: ServiceError, 3: UsageError, 4: UsageError, 5: ServiceError, 6: ServiceError, 7: ServiceError,
}
"""``latx_fft_status`` -> what it is to a program."""


class _Shape(ctypes.Structure):
    _fields_ = (("batch", ctypes.c_int64), ("height", ctypes.c_int32), ("width", ctypes.c_int32),
                ("type", ctypes.c_int32))


@dataclass(frozen=True)
class FftShape:
    """``batch`` real images of ``height`` x ``width``, stored as ``dtype`` (a key of ``TYPES``)."""

    batch: int
    height: int
    width: int
    dtype: str = "float32"

    @property
    def bins(self) -> int:
        """Frequencies along the width that a spectrum keeps."""
        return self.width // 2 + 1

    def _raw(self) -> _Shape:
        return _Shape(self.batch, self.height, self.width, TYPES[self.dtype])


class FftLibrary:
    """An opened library with a plan cache of its own. Pointers are device addresses; see ``latx_fft.h``.

    Raises:
        MissingDependencyError: the file or a library that it needs is missing. BundleError: another interface.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._library = ctypes.CDLL(str(path.resolve()))
        except OSError as failure:
            raise MissingDependencyError("the FFT library cannot be loaded", where=str(path),
                                         expected="a library of latx-export plugin build", found=str(failure)[:200],
                                         mend="build it on this machine") from None
        self._declare()
        found = self._library.latx_fft_abi()
        if found != ABI:
            raise BundleError("the FFT library has another interface", where=str(path), expected=f"version {ABI}",
                              found=f"version {found}", mend="build it again")
        self._path = path
        self._plans = ctypes.c_void_p()
        self._check(self._library.latx_fft_create(ctypes.byref(self._plans)))

    def prepare(self, shape: FftShape, inverse: bool) -> int:
        """Make the plan; returns the bytes of workspace that a run needs.

        Raises:
            UsageError: a size that it does not take. ServiceError: no GPU, or it failed.
        """
        needed = ctypes.c_size_t()
        raw = shape._raw()
        self._check(self._library.latx_fft_prepare(self._plans, ctypes.byref(raw), int(inverse), ctypes.byref(needed)))
        return needed.value

    def rfft2(self, shape: FftShape, image: int, spectrum: int, workspace: int, workspace_bytes: int,
              stream: int = 0) -> None:
        """Queue the transform of ``image`` on ``stream``; nothing is scaled. Raises as ``prepare``."""
        self._transform(self._library.latx_rfft2, shape, image, spectrum, workspace, workspace_bytes, stream)

    def irfft2(self, shape: FftShape, spectrum: int, image: int, workspace: int, workspace_bytes: int,
               stream: int = 0) -> None:
        """Queue the inverse of ``spectrum`` on ``stream``; nothing is scaled. Raises as ``prepare``."""
        self._transform(self._library.latx_irfft2, shape, spectrum, image, workspace, workspace_bytes, stream)

    def close(self) -> None:
        """Give the plans back. May be called twice."""
        if self._plans:
            self._library.latx_fft_destroy(self._plans)
            self._plans = ctypes.c_void_p()

    def __enter__(self) -> FftLibrary:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _transform(self, function: ctypes._NamedFuncPointer, shape: FftShape, source: int, target: int,
                   workspace: int, workspace_bytes: int, stream: int) -> None:
        raw = shape._raw()
        self._check(function(self._plans, ctypes.byref(raw), source, target, workspace, workspace_bytes, stream))

    def _declare(self) -> None:
        pointer, status = ctypes.c_void_p, ctypes.c_int32
        shape = ctypes.POINTER(_Shape)
        run = (pointer, shape, pointer, pointer, pointer, ctypes.c_size_t, pointer)
        for name, result, arguments in (
            ("latx_fft_abi", status, ()),
            ("latx_fft_status_text", ctypes.c_char_p, (status,)),
            ("latx_fft_create", status, (ctypes.POINTER(pointer),)),
            ("latx_fft_destroy", None, (pointer,)),
            ("latx_fft_prepare", status, (pointer, shape, status, ctypes.POINTER(ctypes.c_size_t))),
            ("latx_rfft2", status, run),
            ("latx_irfft2", status, run),
        ):
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    def _check(self, status: int) -> None:
        if status:
            text = self._library.latx_fft_status_text(status).decode()
            raise _ERRORS.get(status, ServiceError)(f"the FFT library refused: {text}", where=str(self._path),
                                                    expected="success", found=f"status {status}")
