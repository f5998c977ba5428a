"""The checks in the order in which they are asked, and the walk over a bundle's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from edge.errors import BundleError
from edge.runtime.bundle import check_bundle
from edge.runtime.stages import ALL_STAGES
from export.check.findings import Finding, ModelFile, Outcome, failed, passed, skipped
from export.check.graph_checks import (
    check_metadata,
    check_operators,
    check_opset,
    check_static,
    check_tensors,
    check_valid,
)
from export.check.nvidia_check import check_nvidia
from export.check.ort_check import check_onnxruntime

CHECKS: Final[dict[str, Callable[[ModelFile], Outcome]]] = {
    "ONNX checker": check_valid,
    "opset": check_opset,
    "operators": check_operators,
    "static shapes": check_static,
    "tensors": check_tensors,
    "metadata": check_metadata,
    "ONNX Runtime": check_onnxruntime,
    "NVIDIA parser": check_nvidia,
}

GRAPH_CHECKS: Final = ("ONNX checker", "opset", "operators", "static shapes")
"""A file that fails one of these is not handed on to a runtime."""


def check_files(bundle: Path) -> Iterator[Finding]:
    """Every finding about every ONNX file of a bundle, or about one ONNX file; as they come.

    Raises:
        BundleError: there is no bundle, or a file of it was altered; or the file is no ONNX model.
    """
    if bundle.is_file():
        yield from check_file(ModelFile(bundle, _stage_of(bundle)))
        return
    manifest, _ = check_bundle(bundle)
    listed = {entry.file for entry in manifest.files}
    paths = sorted(bundle.glob("*.onnx"), key=lambda p: (p.name.split(".")[0] != "structure", p.name))
    for path in paths:
        named = path.name in listed
        yield Finding(path.name, "manifest", passed("as the manifest says, by sha256") if named else
                      failed("a file that the manifest does not vouch for: nothing may run it"))
        yield from check_file(ModelFile(path, _stage_of(path)))


def check_file(file: ModelFile) -> Iterator[Finding]:
    """Every finding about one file.

    Raises:
        BundleError: the file is no ONNX model.
    """
    broken = ""
    for name, check in CHECKS.items():
        try:
            outcome = skipped(f"it failed {broken}") if broken and name not in GRAPH_CHECKS else check(file)
        except BundleError as refusal:
            if not file.path.is_file() or "model" not in file.__dict__:
                raise
            outcome = failed(refusal.line())
        if outcome.verdict == "fail" and name in GRAPH_CHECKS:
            broken = broken or name
        yield Finding(file.path.name, name, outcome)


def _stage_of(path: Path) -> str:
    stage = path.name.split(".")[0]
    return stage if stage in ALL_STAGES else ""
