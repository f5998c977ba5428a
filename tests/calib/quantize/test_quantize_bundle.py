"""A bundle becomes one with FP16 and INT8 files, each with the reasons of its wider layers, or nothing changes."""

from __future__ import annotations

import json

import onnx
import pytest

from calib.quantize import bundle, decide
from calib.quantize.bundle import quantize_bundle
from calib.quantize.drift import Drift
from calib.quantize.latency import LayerTime
from calib.quantize.report import table
from edge.errors import BundleError, OutputError
from edge.runtime.bundle import check_bundle, load_bundle
from export.check.findings import ModelFile
from export.check.nvidia_check import check_nvidia
from export.onnx.precision.layers import BETWEEN_FLOATS, FOURIER, HEAD, ONE_VECTOR
from export.onnx.precision.prepare import prepare


def _convolutions_gain(_clock, name):
    return LayerTime(2.0, 1.0 if "conv" in name.lower() else 3.0)


def _everything_gains(_clock, _name):
    return LayerTime(2.0, 1.0)


@pytest.fixture(scope="module")
def quantised(small_bundle, few_views, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(decide.LayerClock, "time", _convolutions_gain)
    patch.setattr(decide, "ALONE_VIEWS", {"structure": 1, "radiograph": 1})
    from calib.collect.calibration_set import CalibrationSet, SetManifest

    manifest = SetManifest(created_at="2026-01-02T03:04:05Z", structure_sha256="0" * 64, recordings=4, tensors=(),
                           views=())
    out = tmp_path_factory.mktemp("out") / "bundle"
    decisions = quantize_bundle(small_bundle, out, CalibrationSet(few_views, manifest, "1" * 64, out), 1,
                                print)
    patch.undo()
    return out, decisions


def test_the_manifest_vouches_for_every_file_and_gives_every_reason(quantised) -> None:
    out, _ = quantised
    manifest, _ = check_bundle(out)
    assert set(manifest.precisions) == {"fp16", "int8-cpu", "int8"}
    assert {f.file for f in manifest.files} >= {
        f"{stage}.{form}.onnx" for stage in ("structure", "radiograph") for form in ("fp16", "int8-cpu", "int8")}
    wider = {w.layer: w.reason for w in manifest.precisions["int8-cpu"].structure.wider}
    assert wider["blocks.0.first.global_to_global.fourier.mix"] == FOURIER
    assert wider["head.angle_sd.0"] == HEAD
    assert wider["profile.coefficients"] == ONE_VECTOR
    assert BETWEEN_FLOATS in wider.values()
    assert manifest.precisions["int8-cpu"].calibration_sha256 == "1" * 64


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8-cpu", "int8"])
def test_onnx_runtime_runs_every_precision_with_the_tensors_of_fp32(quantised, few_views, precision) -> None:
    with load_bundle(quantised[0], 1, "onnxruntime", precision) as loaded:
        outputs, _ = loaded.run({n: few_views[0][n] for n in ("back_view", "lateral_lift")})
    assert outputs["log_attenuation"].shape == (1, 1, 512, 256)
    assert loaded.precision == ("" if precision == "fp32" else precision)


@pytest.mark.parametrize("form", ["fp16", "int8"])
@pytest.mark.parametrize("stage", ["structure", "radiograph"])
def test_nvidias_parser_builds_it(quantised, stage, form) -> None:
    path = quantised[0] / f"{stage}.{form}.onnx"
    outcome = check_nvidia(ModelFile(path, stage))
    assert outcome.verdict == "pass", outcome.detail


def test_the_cpu_file_holds_integers_and_no_fourier_branch_in_them(quantised) -> None:
    model = onnx.load(quantised[0] / "structure.int8-cpu.onnx")
    kinds = [n.op_type for n in model.graph.node]
    assert kinds.count("QuantizeLinear") > 5
    fed = {name for n in model.graph.node if n.op_type == "DequantizeLinear" for name in n.output}
    fourier = [n for n in model.graph.node if "/channels_last/" in n.name and n.op_type == "MatMul"]
    assert fourier
    assert not fed & {name for n in fourier for name in n.input}
    signed = onnx.load(quantised[0] / "structure.int8.onnx")
    zeros = [onnx.numpy_helper.to_array(i) for i in signed.graph.initializer if i.name.endswith("zero_point")]
    assert zeros
    assert all((z == 0).all() for z in zeros)


def test_the_report_names_each_layer_with_what_it_does(quantised) -> None:
    out, decisions = quantised
    report = json.loads((out / bundle.REPORT).read_text())
    layers = {layer["layer"]: layer for layer in report["stages"][0]["layers"]}
    assert layers["back_stem.0"]["alone_mean"] >= 0.0
    assert layers["head.squeeze"]["why_wider"] == HEAD
    assert (out / bundle.PICTURE).stat().st_size > 5000
    assert "back_stem.0" in table(decisions)


@pytest.mark.parametrize("limits", [(1e-6, 100.0), (100.0, 1e-6)], ids=["mean", "worst"])
def test_a_budget_that_cannot_be_kept_widens_layers_and_says_so(small_bundle, few_views, monkeypatch, limits) -> None:
    monkeypatch.setattr(decide.LayerClock, "time", _everything_gains)
    monkeypatch.setattr(decide, "ALONE_VIEWS", {"structure": 1, "radiograph": 1})
    monkeypatch.setattr(decide, "LIMITS", {"structure": limits})
    model = onnx.load(small_bundle / "structure.onnx")
    decider = decide.StageDecider("structure", model, few_views[:1], 1, print)
    decider._candidates = [c for c in decider._candidates if c.name.startswith("back_stem")][:2]
    decision = decider.decide("int8-cpu", ("min-max",))
    assert decision.narrow == []
    assert sum("allowed" in why for why in decision.wider.values()) == 2


def test_of_layers_that_move_the_angles_alike_the_one_that_saves_least_is_widened(
    small_bundle, few_views, monkeypatch,
) -> None:
    model = onnx.load(small_bundle / "structure.onnx")
    monkeypatch.setattr(decide.LayerClock, "time", _everything_gains)
    decider = decide.StageDecider("structure", model, few_views[:1], 1, print)
    decider._candidates = [c for c in decider._candidates if c.name.startswith("back_stem")][:2]
    little, much = (c.node for c in decider._candidates)
    decider._times |= {little: LayerTime(1.0, 0.9), much: LayerTime(2.0, 0.5)}
    decider._alone = {node: Drift(0.1, 0.1, {}) for node in (little, much)}
    drifts = iter([Drift(0.0, 0.0, {}), Drift(0.0, 9.0, {}), Drift(0.0, 0.0, {})])  # ranges, both layers, one layer
    monkeypatch.setattr(decider.meter, "measure", lambda *_: next(drifts))
    assert decider.decide("int8-cpu", ("min-max",)).narrow == [much]


def test_layers_that_are_no_faster_stay_wide_with_both_times(small_bundle, few_views, monkeypatch) -> None:
    monkeypatch.setattr(decide.LayerClock, "time", lambda *_: LayerTime(1.0, 2.0))
    model = onnx.load(small_bundle / "radiograph.onnx")
    decision = decide.StageDecider("radiograph", model, few_views[:1], 1, print).decide("int8-cpu")
    assert decision.narrow == []
    assert decision.wider["encode_2.0"] == "INT8 is no faster on the CPU: 2.000 against 1.000 ms"
    assert decision.drift.worst < 1e-4


def test_a_layer_is_timed_for_real_and_once_per_size(small_bundle) -> None:
    clock = decide.LayerClock(prepare(onnx.load(small_bundle / "radiograph.onnx")))
    node = next(n.name for n in clock._nodes.values() if n.op_type == "Conv")
    first = clock.time(node)
    assert first.fp32_ms > 0
    assert first.int8_ms > 0
    assert clock.time(node) is first


def test_a_full_disk_leaves_the_former_bundle_untouched(small_bundle, calibration, tmp_path, monkeypatch) -> None:
    out = tmp_path / "bundle2"
    out.mkdir()
    (out / "manifest.json").write_text("former")

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "StageDecider", full)
    with pytest.raises(OutputError, match="No space left"):
        quantize_bundle(small_bundle, out, calibration, 1, print)
    assert (out / "manifest.json").read_text() == "former"
    assert [p.name for p in tmp_path.iterdir()] == ["bundle2"]


def test_ctrl_c_leaves_the_former_bundle_untouched(small_bundle, calibration, tmp_path, monkeypatch) -> None:
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle, "StageDecider", interrupted)
    with pytest.raises(KeyboardInterrupt):
        quantize_bundle(small_bundle, tmp_path / "bundle2", calibration, 1, print)
    assert list(tmp_path.iterdir()) == []


def test_a_precision_that_the_bundle_lacks_is_refused_by_name(small_bundle) -> None:
    with pytest.raises(BundleError, match=r"int8-cpu.*latx-calib quantize"):
        load_bundle(small_bundle, 1, "onnxruntime", "int8-cpu")
