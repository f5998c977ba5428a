"""Which ONNX files engines of a precision are built from, and why their layers have the precision that they have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.errors import BundleError
from edge.runtime.bundle import check_bundle
from edge.runtime.manifest import Manifest, PrecisionFile
from edge.runtime.stages import STAGES

PRECISIONS: Final = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class Sources:
    """The ONNX file of each stage, and one sentence on its precision."""

    files: dict[str, Path]
    reasons: dict[str, str]


def sources_of(folder: Path, precision: str) -> tuple[Manifest, Sources]:
    """The checked bundle's files in a precision, as its manifest lists them.

    Raises:
        BundleError: the bundle is incomplete or altered, or lacks the precision.
    """
    manifest, _ = check_bundle(folder)
    if precision == "fp32":
        files = {stage: folder / getattr(manifest.stages, stage).file for stage in STAGES}
        return manifest, Sources(files, dict.fromkeys(files, "every layer in FP32, as trained"))
    entry = {str(name): entry for name, entry in manifest.precisions.items()}.get(precision)
    if entry is None:
        raise BundleError(f"the bundle has no {precision} files", where=str(folder), expected=f"precision {precision}",
                          found=", ".join(["fp32", *manifest.precisions]),
                          mend=f"write them on the workstation: latx-calib quantize {folder}")
    by_stage: dict[str, PrecisionFile] = {stage: getattr(entry, stage) for stage in STAGES}
    return manifest, Sources({stage: folder / file.file for stage, file in by_stage.items()},
                             {stage: _reason(precision, file) for stage, file in by_stage.items()})


def reference_of(folder: Path, bundle: Manifest, given: Path | None) -> Path:
    """The bundle that ONNX Runtime runs beside the engine.

    Raises:
        BundleError: ``given`` is no whole bundle, or none is given and ONNX Runtime cannot run ``folder``.
    """
    if given is not None:
        check_bundle(given)
    elif bundle.fft_lowering == "plugin":
        raise BundleError("ONNX Runtime cannot run this bundle, so its engine cannot be tested", where=str(folder),
                          expected="--reference with the same weights exported by --fft matmul", found="none",
                          mend="export the run once more with --fft matmul and give that folder")
    return given or folder


def _reason(precision: str, file: PrecisionFile) -> str:
    wider = "; ".join(f"{layer.layer} {layer.precision}: {layer.reason}" for layer in file.wider)
    return f"{file.narrow_layers} layers in {precision}" + (f"; wider: {wider}" if wider else "")
