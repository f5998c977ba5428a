"""What is compared: a bundle in one precision on one runtime, as the command line names it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.errors import UsageError
from edge.runtime.bundle import Bundle, load_bundle

ON_TENSORRT: Final = "tensorrt"
FORMS: Final = ("fp32", "fp16", "int8-cpu", "int8", ON_TENSORRT)
"""What may follow the @: files of the bundle on ONNX Runtime, or its engines on TensorRT."""


@dataclass(frozen=True)
class Contender:
    """``name`` is what the user typed."""

    name: str
    folder: Path
    form: str

    def load(self, threads: int | None) -> Bundle:
        """The bundle, open.

        Raises:
            BundleError, MissingDependencyError, ServiceError: see ``edge.runtime.bundle.load_bundle``.
        """
        if self.form == ON_TENSORRT:
            return load_bundle(self.folder, threads, ON_TENSORRT)
        return load_bundle(self.folder, threads, "onnxruntime", self.form)


def contender(text: str) -> Contender:
    """``BUNDLE[@FORM]``.

    Raises:
        UsageError: no such form.
    """
    folder, at, form = text.rpartition("@")
    if not at:
        return Contender(text, Path(text), "fp32")
    if form not in FORMS:
        raise UsageError("unknown precision or runtime", where=text, expected=", ".join(FORMS), found=form)
    return Contender(text, Path(folder), form)
