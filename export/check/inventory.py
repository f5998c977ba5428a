"""What a bundle holds, file by file and engine by engine, without running or refusing any of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from edge.errors import BundleError
from edge.runtime.bundle import sha256_of
from edge.runtime.engine_manifest import EngineManifest, read_engine_manifest, sidecar_path
from edge.runtime.manifest import MANIFEST, FileEntry, Manifest, parse_manifest
from export.check.work import multiply_adds
from export.onnx.passes.plugin_node import PLUGIN_OP


@dataclass(frozen=True)
class FileFacts:
    """One file of a bundle. state: intact, altered, missing, or unlisted where the manifest does not vouch for it."""

    file: str
    state: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class GraphFacts:
    """What an ONNX file is made of. weights: number of values by element type; special: operators that decide who
    can run it (Fourier, quantisation and cast nodes), with their numbers; multiply_adds: of one run, where known."""

    file: str
    opset: int
    nodes: int
    weights: dict[str, int]
    special: dict[str, int]
    multiply_adds: int | None = None


@dataclass(frozen=True)
class EngineFacts:
    """One engine. state: intact, or why it would be refused; manifest: its sidecar where that can be read."""

    file: str
    state: str
    manifest: EngineManifest | None


@dataclass(frozen=True)
class Inventory:
    """All of it."""

    manifest: Manifest
    files: tuple[FileFacts, ...]
    graphs: tuple[GraphFacts, ...]
    engines: tuple[EngineFacts, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "manifest": self.manifest.model_dump(mode="json"),
            "files": [asdict(f) for f in self.files],
            "graphs": [asdict(g) for g in self.graphs],
            "engines": [{"file": e.file, "state": e.state,
                         "manifest": None if e.manifest is None else e.manifest.model_dump(mode="json")}
                        for e in self.engines],
        }


SPECIAL_OPERATORS = ("DFT", PLUGIN_OP, "MatMul", "Conv", "GridSample", "QuantizeLinear", "DequantizeLinear", "Cast")


def take_inventory(folder: Path) -> Inventory:
    """Read a bundle's folder.

    Raises:
        BundleError: there is no manifest, or it cannot be read. A file that is altered or missing is a fact, no error.
    """
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as failure:
        raise BundleError("there is no model bundle here", where=str(folder), expected=f"a folder with {MANIFEST}",
                          found=failure.strerror or str(failure),
                          mend="give a folder that latx-export onnx wrote") from None
    manifest = parse_manifest(raw, path)
    listed = [_listed(folder, entry) for entry in manifest.files]
    names = {facts.file for facts in listed}
    extra = [FileFacts(p.name, "unlisted", p.stat().st_size, sha256_of(p))
             for p in sorted(folder.glob("*.onnx")) if p.name not in names]
    files = (*listed, *extra)
    graphs = tuple(_graph(folder / f.file) for f in files if f.file.endswith(".onnx") and f.state != "missing")
    return Inventory(manifest, files, graphs, tuple(_engine(p) for p in sorted(folder.glob("*.engine"))))


def _listed(folder: Path, entry: FileEntry) -> FileFacts:
    path = folder / entry.file
    if not path.is_file():
        return FileFacts(entry.file, "missing", 0, entry.sha256)
    found = sha256_of(path)
    return FileFacts(entry.file, "intact" if found == entry.sha256 else "altered", path.stat().st_size, found)


def _graph(path: Path) -> GraphFacts:
    try:
        model = onnx.load(path)
    except Exception:  # an altered file may be no protobuf any more, which its state says
        return GraphFacts(path.name, 0, 0, {}, {})
    weights: Counter[str] = Counter()
    for tensor in model.graph.initializer:
        count = 1
        for size in tensor.dims:
            count *= size
        weights[TensorProto.DataType.Name(tensor.data_type).lower()] += count
    kinds = Counter(node.op_type for node in model.graph.node)
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    special = {name: kinds[name] for name in SPECIAL_OPERATORS if kinds[name]}
    return GraphFacts(path.name, opset, len(model.graph.node), dict(weights), special, multiply_adds(model))


def _engine(path: Path) -> EngineFacts:
    try:
        return EngineFacts(path.name, "intact", read_engine_manifest(path, "latx-export engine"))
    except BundleError as refusal:
        reason = f"{refusal.what}: expected {refusal.expected}, found {refusal.found}"
        try:
            manifest = EngineManifest.model_validate_json(sidecar_path(path).read_bytes())
        except (OSError, ValueError):
            manifest = None
        return EngineFacts(path.name, reason, manifest)
