"""Which ONNX files engines of a precision are built from, and why their layers have the precision that they have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.errors import BundleError
from edge.runtime.bundle import Manifest, check_bundle
from edge.runtime.stages import STAGES

PRECISIONS: Final = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class Sources:
    """The ONNX file of each stage, and one sentence on its precision."""

    files: dict[str, Path]
    reasons: dict[str, str]


def sources_of(folder: Path, precision: str) -> tuple[Manifest, Sources]:
    """The checked bundle's files in a precision: ``STAGE.onnx`` for FP32, ``STAGE.PRECISION.onnx`` else.

    Raises:
        BundleError: the bundle is incomplete or altered, or lacks the precision.
    """
    manifest, _ = check_bundle(folder)
    if precision == "fp32":
        files = {stage: folder / getattr(manifest.stages, stage).file for stage in STAGES}
    else:
        files = {stage: folder / f"{stage}.{precision}.onnx" for stage in STAGES}
    missing = [path.name for path in files.values() if not path.is_file()]
    if missing:
        have = [p for p in PRECISIONS if all((folder / f"{s}.{p}.onnx").is_file() for s in STAGES)]
        raise BundleError(f"the bundle has no {precision} files", where=str(folder), expected=", ".join(missing),
                          found=", ".join(["fp32", *have]),
                          mend=f"write them on the workstation: latx-calib quantize {folder}")
    return manifest, Sources(files, dict.fromkeys(files, _REASONS[precision]))


_REASONS: Final = {
    "fp32": "every layer in FP32, as trained",
    "fp16": "casts in the file decide each layer",
    "int8": "Q/DQ pairs in the file decide each layer",
}
