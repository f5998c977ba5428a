"""A bundle exists only when its files mean what the networks mean."""

from __future__ import annotations

import json
import resource
import shutil

import numpy as np
import onnx
import pytest
import torch

from edge.errors import BundleError, OutputError, UsageError
from edge.runtime.bundle import DEFAULT_BUNDLE, check_bundle, load_bundle
from edge.runtime.manifest import INTERVAL_NAMES
from edge.runtime.onnx_runner import OnnxRunner
from export.model.config import SD_NAMES
from export.model.radiograph import RadiographNet
from export.model.structure import StructureNet
from export.onnx import bundle, graph, intervals
from export.onnx.agreement import compare, hold
from export.onnx.bundle import BundleFacts, write_bundle
from export.onnx.graph import export_graph, stage_graphs
from export.onnx.intervals import ValidationErrors, conformal_scales
from export.train.dataset import validation_batches
from export.train.template import fit_prior

FACTS = BundleFacts("made", "0.0.1", "made spines, no real patients", {"structure": {}}, 6, "")


@pytest.fixture
def networks(source, config):
    structure, radiograph = StructureNet(config).eval(), RadiographNet(config).eval()
    fit_prior(source, config.landmark_modes).into(structure)
    for layer in (structure.head.coefficients, structure.head.free, structure.deform.velocity):
        torch.nn.init.normal_(layer.weight, std=0.02)
    return structure, radiograph


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    # A 90 % interval needs nine subjects; six made spines are enough for a 50 % one.
    monkeypatch.setattr(bundle, "conformal_scales", lambda seen: intervals.conformal_scales(seen, 0.5))
    monkeypatch.setattr(bundle, "COMPARED_SUBJECTS", 1)


@pytest.fixture(scope="module")
def traces() -> dict[str, onnx.ModelProto]:
    return {}


@pytest.fixture
def traced_once(traces, monkeypatch: pytest.MonkeyPatch) -> None:
    # The networks of every test begin from the same seed, so a stage's trace serves each lowering.
    trace = graph.trace
    monkeypatch.setattr(graph, "trace", lambda g: traces[g.stage] if g.stage in traces else
                        traces.setdefault(g.stage, trace(g)))


@pytest.mark.parametrize("fft", ["matmul", "dft", "plugin"])
def test_the_device_loads_the_bundle_and_it_agrees(networks, source, few, traced_once, tmp_path, fft) -> None:
    manifest = write_bundle(tmp_path / "bundle", *networks, source, FACTS, fft)
    checked, _ = check_bundle(tmp_path / "bundle")
    assert checked.fft_lowering == fft
    assert set(checked.interval_scales) == set(INTERVAL_NAMES) == set(SD_NAMES)
    assert all(value < 1e-3 for name, value in manifest.agreement.items() if name.endswith("_of_range"))
    model = onnx.load(tmp_path / "bundle" / "structure.onnx")
    kinds = {node.op_type for node in model.graph.node}
    assert ("DFT" in kinds, "FFTPlugin" in kinds) == (fft == "dft", fft == "plugin")
    assert {p.key: p.value for p in model.metadata_props}["latx.unit.endplates_mm"].startswith("mm")
    if fft == "plugin":
        with pytest.raises(BundleError, match="FFTPlugin"):
            load_bundle(tmp_path / "bundle", threads=1)
    else:
        with load_bundle(tmp_path / "bundle", threads=1) as loaded:
            assert loaded.structure.outputs[0].shape == (1, 37, 4, 3)
    assert "Not a medical device" in (tmp_path / "bundle" / "model-card.md").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle"]


def test_weights_that_changed_after_export_are_refused_by_name(networks, source, traced_once, tmp_path) -> None:
    graphs = stage_graphs(*networks)
    runners = []
    for stage in graphs:
        path = tmp_path / f"{stage.stage}.onnx"
        export_graph(stage, path, "matmul")
        assert b".py" not in path.read_bytes(), "a path of the exporting machine"
        runners.append(OnnxRunner(stage.stage, path, 1))
    one = [next(validation_batches(source, 1, False))]
    assert compare(graphs, tuple(runners), one).holds
    with torch.no_grad():
        networks[0].shape.mean_mm[1] += 5.0
    agreement = compare(graphs, tuple(runners), one)
    assert not agreement.holds
    with pytest.raises(BundleError, match="endplates_mm"):
        hold(agreement)


@pytest.fixture
def former(tmp_path) -> dict[str, bytes]:
    """A finished bundle at ``tmp_path / "bundle"``, by file."""
    shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")
    return {p.name: p.read_bytes() for p in (tmp_path / "bundle").iterdir()}


def unchanged(folder, former: dict[str, bytes]) -> bool:
    beside = [p.name for p in folder.parent.iterdir() if p != folder]
    return not beside and {p.name: p.read_bytes() for p in folder.iterdir()} == former


def test_a_full_disk_leaves_the_former_bundle_as_it_was(networks, source, few, traced_once, tmp_path, former) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="cannot write the bundle"):
            write_bundle(tmp_path / "bundle", *networks, source, FACTS, "matmul")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert unchanged(tmp_path / "bundle", former)


def test_an_interruption_leaves_the_former_bundle_as_it_was(
    networks, source, few, traced_once, tmp_path, former, monkeypatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle, "compare", interrupted)  # both ONNX files are written by then
    with pytest.raises(KeyboardInterrupt):
        write_bundle(tmp_path / "bundle", *networks, source, FACTS, "matmul")
    assert unchanged(tmp_path / "bundle", former)


def test_files_of_the_former_weights_go_when_the_new_manifest_is_there(tmp_path, former) -> None:
    draft, folder = tmp_path / "draft", tmp_path / "bundle"
    draft.mkdir()
    manifest = json.loads(former["manifest.json"])
    (draft / "structure.new.onnx").write_bytes(former["structure.onnx"])
    manifest["stages"]["structure"]["file"] = "structure.new.onnx"
    (draft / "manifest.json").write_text(json.dumps(manifest))
    (folder / "note.txt").write_text("not of the bundle")
    bundle._replace(draft, folder)
    names = {p.name for p in folder.iterdir()}
    assert names == set(former) - {"structure.onnx"} | {"structure.new.onnx", "note.txt"}


def test_a_folder_with_something_else_in_it_is_left_alone(networks, source, few, tmp_path) -> None:
    (tmp_path / "letter.txt").write_text("dear nurse")
    with pytest.raises(UsageError, match="no bundle"):
        write_bundle(tmp_path, *networks, source, FACTS, "matmul")
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_the_factor_covers_nine_in_ten_of_unseen_subjects() -> None:
    rng = np.random.default_rng(1)
    doubt = rng.uniform(1.0, 3.0, (2000, 9))
    errors = rng.normal(size=(2000, 9)) * doubt * 2.0
    scales = conformal_scales(ValidationErrors(errors[:1000], doubt[:1000], errors[:1000]))
    held = np.abs(errors[1000:]) <= np.array([scales[n] for n in SD_NAMES]) * doubt[1000:]
    assert 0.86 < held.mean() < 0.94
    with pytest.raises(UsageError, match="too few validation subjects"):
        conformal_scales(ValidationErrors(errors[:5], doubt[:5], errors[:5]))
