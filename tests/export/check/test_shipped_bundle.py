"""The shipped bundle passes every check; ``--full`` also lets NVIDIA's builder make an engine of each of its files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import onnx_graphsurgeon as gs
import pytest

from edge.runtime.bundle import DEFAULT_BUNDLE, file_entry
from edge.runtime.engine_manifest import EngineManifest, Environment, PluginEntry, SelfTest, sidecar_path
from edge.runtime.manifest import MANIFEST, FileEntry, parse_manifest
from export.check import table
from export.check.inventory import take_inventory
from export.cli import main

ASKED_BY_DEFAULT = "structure."
"""NVIDIA's builder takes seconds a file: without ``--full`` it is asked about one stage, in every precision."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_every_file_passes_every_check(full: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    asked = table.CHECKS["NVIDIA parser"]
    if not full:
        monkeypatch.setitem(table.CHECKS, "NVIDIA parser", lambda file: asked(file)
                            if file.path.name.startswith(ASKED_BY_DEFAULT) else table.passed("not asked"))
    assert main(["check", str(DEFAULT_BUNDLE), "--json", str(tmp_path / "out.json")]) == 0, capsys.readouterr()
    findings = json.loads((tmp_path / "out.json").read_text())["findings"]
    files = {p.name for p in DEFAULT_BUNDLE.glob("*.onnx")}
    assert {f["file"] for f in findings} == files
    assert len(findings) == len(files) * (1 + len(table.CHECKS))
    assert all(f["verdict"] == "pass" or ".int8-cpu." in f["file"] for f in findings)


def test_one_altered_byte_is_refused_before_any_check(copy: Path, capsys) -> None:
    content = bytearray((copy / "radiograph.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "radiograph.onnx").write_bytes(content)
    assert main(["check", str(copy)]) == 4
    shown = capsys.readouterr()
    assert "altered" in shown.err
    assert "radiograph.onnx" in shown.err
    assert shown.out == ""


def test_a_file_that_the_manifest_does_not_name_fails(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "CHECKS", {})
    shutil.copy(copy / "structure.onnx", copy / "structure.other.onnx")
    verdicts = {f.file: f.outcome.verdict for f in table.check_files(copy)}
    assert verdicts["structure.other.onnx"] == "fail"
    assert verdicts["structure.onnx"] == "pass"


def test_inspect_shows_what_is_intact_altered_and_missing(copy: Path, tmp_path: Path, capsys) -> None:
    (copy / "model-card.md").write_text("another card")
    (copy / "radiograph.onnx").unlink()
    (copy / "structure.engine").write_bytes(b"no engine")
    assert main(["inspect", str(copy), "--json", str(tmp_path / "out.json")]) == 0
    shown = capsys.readouterr().out
    states = {f["file"]: f["state"] for f in json.loads((tmp_path / "out.json").read_text())["files"]}
    assert (states["model-card.md"], states["radiograph.onnx"], states["structure.onnx"]) == (
        "altered", "missing", "intact")
    assert "the engine has no manifest" in shown
    assert "thoracic_kyphosis_t4_t12" in shown


def test_inspect_shows_an_engine_with_what_it_is_tied_to(copy: Path, tmp_path: Path, capsys) -> None:
    engine = copy / "structure.engine"
    engine.write_bytes(b"machine code")
    entry = parse_manifest((copy / MANIFEST).read_bytes(), copy / MANIFEST).stages.structure
    manifest = EngineManifest(
        stage="structure", engine=FileEntry(**file_entry(engine)), source=FileEntry(**file_entry(copy / entry.file)),
        precision="fp16", precision_reason="heads kept in FP32",
        environment=Environment(tensorrt="10.3.0", cuda="12.6", gpu="Orin", compute_capability="8.7",
                                multiprocessors=8, driver="540.4.0"),
        plugin=PluginEntry(creator="FFTPlugin", version="1", library=None, sha256=None),
        inputs=entry.inputs, outputs=entry.outputs, builder={"workspace_mib": 512},
        self_test=SelfTest(views=8, source="demo", mean_deg={"sacral_slope": 0.01}, worst_deg={"sacral_slope": 0.04},
                           radiograph_of_range=0.001),
        created_at="2026-01-01T00:00:00Z",
    )
    sidecar_path(engine).write_text(manifest.model_dump_json())
    assert main(["inspect", str(copy), "--json", str(tmp_path / "out.json")]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("structure.engine"))
    for cell in ("fp16", "10.3.0", "12.6", "Orin (8.7)", "FFTPlugin 1", "0.040", "intact"):
        assert cell in row
    engine.write_bytes(b"machine cod3")
    assert main(["inspect", str(copy), "--json", str(tmp_path / "out.json")]) == 0
    told = json.loads((tmp_path / "out.json").read_text())["engines"][0]
    assert told["state"] != "intact"
    assert told["manifest"]["environment"]["tensorrt"] == "10.3.0"


def test_inspect_counts_nodes_and_weights(copy: Path) -> None:
    facts = {g.file: g for g in take_inventory(copy).graphs}["structure.onnx"]
    model = onnx.load(copy / "structure.onnx")
    assert facts.nodes == len(model.graph.node)
    constants = [c for c in gs.import_onnx(model).tensors().values() if isinstance(c, gs.Constant)]
    floats = [c for c in constants if c.dtype == "float32"]
    assert facts.weights["float"] == sum(c.values.size for c in floats)
    assert facts.special["Conv"] == sum(n.op_type == "Conv" for n in model.graph.node)


@pytest.mark.parametrize("command", ["check", "inspect"])
def test_a_folder_without_bundle_is_refused_in_a_line(command: str, tmp_path: Path, capsys) -> None:
    assert main([command, str(tmp_path)]) == 4
    assert "there is no model bundle here" in capsys.readouterr().err
    (tmp_path / MANIFEST).write_text("{}")
    assert main([command, str(tmp_path)]) == 4
