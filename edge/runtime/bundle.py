"""The model bundle: a folder with the two stages, their manifest and their model card.

Everything in the manifest is checked before anything is loaded: a file that is missing, altered or has another
shape never runs.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import BundleError, UsageError
from edge.runtime.manifest import (
    MANIFEST,
    FileEntry,
    Manifest,
    PrecisionEntry,
    StageEntry,
    listed,
    parse_manifest,
)
from edge.runtime.runner import JoinedStages, StageRunner, Tensors
from edge.runtime.stages import STAGES

JOINED_STEP: Final = "structure and radiograph"
"""Name of the step in a record's timing where both stages run without the host in between."""
DEFAULT_BUNDLE: Final = Path(__file__).resolve().parent.parent / "bundle"
"""The bundle that ships with the package."""


@dataclass(frozen=True)
class Bundle:
    """A checked manifest and the two stages, ready to run.

    sha256: of ``manifest.json``, which holds the hashes of all other files: it names the bundle as a whole.
    precision: of the files that run, where it is another than the manifest's own. reader: reads radiographs back, None
    where the bundle has none.
    """

    manifest: Manifest
    sha256: str
    structure: StageRunner
    radiograph: StageRunner
    directory: Path | None = None
    joined: JoinedStages | None = None
    precision: str = ""
    reader: StageRunner | None = None

    def run(self, tensors: Mapping[str, NDArray[np.float32]]) -> tuple[Tensors, dict[str, float]]:
        """Run both stages on one frame, joined where the runtime can, else one after the other.

        Args:
            tensors: the inputs of stage 1; stage 2 takes what it needs from these and from stage 1's outputs.

        Returns:
            the outputs of both stages by name (joined stages leave out what only stage 2 reads), and milliseconds
            by step.

        Raises:
            BundleError: as ``StageRunner.run``.
        """
        start = time.perf_counter()
        if self.joined is not None:
            outputs = self.joined.run(tensors)
            return outputs, {JOINED_STEP: (time.perf_counter() - start) * 1e3}
        structure = self.structure.run(tensors)
        between = time.perf_counter()
        known = dict(tensors) | structure
        radiograph = self.radiograph.run({spec.name: known[spec.name] for spec in self.radiograph.inputs})
        end = time.perf_counter()
        return structure | radiograph, {"structure": (between - start) * 1e3, "radiograph": (end - between) * 1e3}

    def close(self) -> None:
        """Close both stages."""
        self.structure.close()
        self.radiograph.close()
        for more in (self.joined, self.reader):
            if more is not None:
                more.close()

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def load_bundle(directory: Path | str | None = None, threads: int | None = None, runtime: str = "auto",
                precision: str = "fp32") -> Bundle:
    """Check a bundle and load its stages.

    Args:
        directory: None takes the bundle that ships with the package.
        threads: threads per operator of ONNX Runtime; None takes all cores.
        runtime: one of ``edge.runtime.runtimes.RUNTIMES``; "auto" takes TensorRT where the bundle holds
            engines that are valid here, and no other precision than FP32 is asked for.
        precision: "fp32" or a key of the manifest's ``precisions``; which files ONNX Runtime runs.

    Raises:
        BundleError: see ``check_bundle`` and ``open_engines``; or the bundle has no such precision; or a file's own
            tensors differ from those that the manifest declares.
        UsageError: a precision together with TensorRT, whose engines have their own.
        MissingDependencyError, ServiceError: see ``open_engines``.
    """
    from edge.runtime.tensorrt_bundle import open_engines

    folder = Path(directory) if directory is not None else DEFAULT_BUNDLE
    if runtime == "tensorrt" and precision != "fp32":
        raise UsageError("TensorRT engines have their own precision", expected="--runtime onnxruntime",
                         found=f"--runtime tensorrt with precision {precision}",
                         mend=f"build the engines in another: latx-export engine {folder} --precision fp16|int8")
    manifest, digest = check_bundle(folder)
    on_tensorrt = runtime != "onnxruntime" and precision == "fp32"
    stages = open_engines(folder, required=runtime == "tensorrt") if on_tensorrt else None
    if stages is not None:
        reader = _open_reader(folder, manifest, threads)
        return Bundle(manifest, digest, stages.structure, stages.radiograph, folder, stages, stages.precision,
                      reader=reader)
    return _on_onnxruntime(folder, manifest, digest, threads, precision)


def _on_onnxruntime(folder: Path, manifest: Manifest, digest: str, threads: int | None, precision: str) -> Bundle:
    from edge.runtime.onnx_runner import OnnxRunner

    if manifest.fft_lowering == "plugin":
        raise BundleError("this bundle calls TensorRT's FFTPlugin, which ONNX Runtime does not have",
                          where=str(folder), expected="engines of it, or a bundle with matrix products",
                          found="--fft plugin",
                          mend="build its engines with latx-export engine, or export it with --fft matmul")
    files = stage_files(manifest, precision, folder)
    runners: dict[str, StageRunner] = {}
    for stage in STAGES:
        entry: StageEntry = getattr(manifest.stages, stage)
        path = folder / files[stage].file
        runners[stage] = OnnxRunner(stage, path, threads)
        _hold_declared(runners[stage], entry, path)
    narrower = "" if precision == "fp32" else precision
    reader = _open_reader(folder, manifest, threads)
    return Bundle(manifest, digest, runners["structure"], runners["radiograph"], folder, reader=reader,
                  precision=narrower)


def _open_reader(folder: Path, manifest: Manifest, threads: int | None) -> StageRunner | None:
    """The reader of the self-check, where the bundle has one: small, and always on ONNX Runtime."""
    entry = manifest.stages.reader
    if entry is None:
        return None
    from edge.runtime.onnx_runner import OnnxRunner

    runner = OnnxRunner("reader", folder / entry.file, threads)
    _hold_declared(runner, entry, folder / entry.file)
    return runner


def _hold_declared(runner: StageRunner, entry: StageEntry, path: Path) -> None:
    for side in ("inputs", "outputs"):
        declared = tuple(tensor.spec() for tensor in getattr(entry, side))
        own = getattr(runner, side)
        if declared != own:
            raise BundleError(f"stage {runner.stage} has other {side} than the manifest declares",
                              where=str(path), expected=listed(declared), found=listed(own),
                              mend="export the bundle again")


def stage_files(manifest: Manifest, precision: str, folder: Path) -> dict[str, FileEntry]:
    """The file of each stage in a precision: "fp32" for the bundle's own, else a key of ``precisions``.

    Raises:
        BundleError: the bundle has none of that precision.
    """
    if precision == "fp32":
        return {stage: getattr(manifest.stages, stage) for stage in STAGES}
    known: dict[str, PrecisionEntry] = {str(name): entry for name, entry in manifest.precisions.items()}
    if precision not in known:
        raise BundleError("the bundle has no files of that precision", where=str(folder), expected=precision,
                          found=", ".join(["fp32", *known]), mend="write them with latx-calib quantize")
    return {stage: getattr(known[precision], stage) for stage in STAGES}


def check_bundle(folder: Path) -> tuple[Manifest, str]:
    """Read the manifest and hold every file against it, without loading a model.

    Returns:
        the manifest and its own sha256.

    Raises:
        BundleError: no manifest, an unknown schema version, fields that do not fit, a missing or altered file.
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as failure:
        raise BundleError("there is no model bundle here", where=str(folder), expected=f"a folder with {MANIFEST}",
                          found=_why(folder, failure), mend="give --bundle a folder that latx-export wrote") from None
    manifest = parse_manifest(raw, path)
    for entry in manifest.files:
        check_file(folder, entry)
    return manifest, hashlib.sha256(raw).hexdigest()


def file_entry(path: Path) -> dict[str, Any]:
    """Name, sha256 and size of a file, as a manifest lists it."""
    return {"file": path.name, "sha256": sha256_of(path), "bytes": path.stat().st_size}


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def check_file(folder: Path, entry: FileEntry, mend: str = "copy the bundle again or export it again",
               what: str = "a file of the bundle") -> None:
    """Hold one file against its entry.

    Raises:
        BundleError: it is missing, or one byte of it is another.
    """
    path = folder / entry.file
    if not path.is_file():
        raise BundleError(f"{what} is missing", where=str(path), expected=f"{entry.bytes} bytes",
                          found="no such file", mend=mend)
    size = path.stat().st_size
    if size != entry.bytes:
        raise BundleError(f"{what} was altered or cut short", where=str(path),
                          expected=f"{entry.bytes} bytes", found=f"{size} bytes", mend=mend)
    found = sha256_of(path)
    if found != entry.sha256:
        raise BundleError(f"{what} was altered", where=str(path), expected=f"sha256 {entry.sha256[:16]}",
                          found=found[:16], mend=mend)


def _why(folder: Path, failure: OSError) -> str:
    if not folder.exists():
        return "no such folder"
    return f"no {MANIFEST}" if isinstance(failure, FileNotFoundError) else (failure.strerror or str(failure))
