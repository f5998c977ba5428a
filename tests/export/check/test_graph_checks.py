"""Each check names what is wrong with a file, on tiny graphs made wrong on purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from edge.errors import BundleError
from export.check.findings import Finding, ModelFile
from export.check.nvidia_check import check_nvidia
from export.check.table import CHECKS, check_file, check_files
from export.cli import main
from export.onnx.passes.plugin_node import PLUGIN_DOMAIN, PLUGIN_OP, attributes


def tiny(nodes: list[onnx.NodeProto] | None = None, *, opset: int = 18, shape: tuple[object, ...] = (1, 4, 8, 16),
         out: tuple[object, ...] | None = None, domains: tuple[str, ...] = (), fft: str = "matmul",
         inner: dict[str, tuple[int, ...]] | None = None) -> onnx.ModelProto:
    """x -> y through ``nodes``; valid in everything unless told otherwise."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape if out is None else out)
    graph = helper.make_graph(nodes or [helper.make_node("Relu", ["x"], ["y"], "rectify")], "tiny", [x], [y])
    for name, sizes in (inner or {}).items():
        graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes))
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    helper.set_model_props(model, {"latx.stage": "none", "latx.fft": fft, "latx.unit.x": "m", "latx.unit.y": "m"})
    return model


def pair(first_domain: str = PLUGIN_DOMAIN) -> onnx.ModelProto:
    """rfft2 and irfft2 by plugin nodes."""
    there = helper.make_node(PLUGIN_OP, ["x"], ["s"], "there", domain=first_domain, **attributes(False))
    back = helper.make_node(PLUGIN_OP, ["s"], ["y"], "back", domain=PLUGIN_DOMAIN, **attributes(True))
    return tiny([there, back], domains=(PLUGIN_DOMAIN,), fft="plugin", inner={"s": (1, 4, 8, 9, 2)})


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[onnx.ModelProto, str], tuple[str, str]]:
    """Verdict and detail of one check about a model."""

    def run(model: onnx.ModelProto, check: str, name: str = "tiny.onnx") -> tuple[str, str]:
        onnx.save(model, tmp_path / name)
        outcome = CHECKS[check](ModelFile(tmp_path / name))
        return outcome.verdict, outcome.detail

    return run


def by_check(findings: list[Finding]) -> dict[str, str]:
    return {f.check: f.outcome.verdict for f in findings}


def test_a_good_file_passes_every_check_that_applies(tmp_path: Path) -> None:
    onnx.save(tiny(), tmp_path / "tiny.onnx")
    findings = by_check(list(check_files(tmp_path / "tiny.onnx")))
    assert list(findings) == list(CHECKS)
    assert findings.pop("tensors") == "skipped"
    assert set(findings.values()) == {"pass"}


WRONG = {
    "dynamic axes": (tiny(shape=("batch", 4, 8, 16)), "static shapes", r"dynamic axes: x \[batch, 4, 8, 16\]"),
    "unknown operator": (
        tiny([helper.make_node("Lift", ["x"], ["y"], "lift", domain="ours")], domains=("ours",)),
        "operators", r"unknown operators: ours::Lift \(lift\)",
    ),
    "operator of one runtime": (
        tiny([helper.make_node("Gelu", ["x"], ["y"], "gelu", domain="com.microsoft")], domains=("com.microsoft",)),
        "operators", "TensorRT does not know: 1 x com.microsoft::Gelu",
    ),
    "operator newer than the opset": (
        tiny([helper.make_node("Gelu", ["x"], ["y"], "gelu")]), "operators", r"ai\.onnx::Gelu \(gelu\)",
    ),
    "opset too low": (tiny(opset=13), "opset", "opset 13; expected 18 to 20"),
    "opset too high": (tiny(opset=23), "opset", "opset 23; expected 18 to 20"),
    "wrong shape": (tiny(out=(1, 4, 8, 17)), "ONNX checker", "(?i)shape|dim"),
    "missing unit": (tiny(), "metadata", "no metadata latx.unit.y"),
    "another lowering than it says": (tiny(fft="dft"), "metadata", "says that its Fourier transforms are dft"),
    "a plugin node where none is said": (pair(), "metadata", "are matmul, but they are plugin"),
}
for entry in WRONG["missing unit"][0].metadata_props:
    if entry.key == "latx.unit.y":
        entry.value = ""
for entry in WRONG["a plugin node where none is said"][0].metadata_props:
    if entry.key == "latx.fft":
        entry.value = "matmul"


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(ask, case: str) -> None:
    model, check, message = WRONG[case]
    verdict, detail = ask(model, check)
    assert verdict == "fail"
    assert re.search(message, detail)


def test_a_tensor_that_a_node_shapes_by_its_values_is_not_static(ask) -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["places"], "places"),
             helper.make_node("Relu", ["x"], ["y"], "rectify")]
    verdict, detail = ask(tiny(nodes), "static shapes")
    assert (verdict, "places" in detail) == ("fail", True)


def test_a_broken_graph_is_not_handed_to_a_runtime(tmp_path: Path) -> None:
    onnx.save(tiny(opset=13), tmp_path / "tiny.onnx")
    findings = by_check(list(check_file(ModelFile(tmp_path / "tiny.onnx"))))
    assert findings["opset"] == "fail"
    assert findings["ONNX Runtime"] == findings["NVIDIA parser"] == "skipped"


def test_a_file_that_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "structure.onnx").write_bytes(b"\xff\xfenothing")
    with pytest.raises(BundleError, match=r"structure\.onnx: this is no ONNX file"):
        list(check_files(tmp_path / "structure.onnx"))


def test_values_that_are_not_finite_fail_the_run(ask) -> None:
    verdict, detail = ask(tiny([helper.make_node("Log", ["x"], ["y"], "log")]), "ONNX Runtime")
    assert verdict == "fail"
    assert "not finite" in detail


def test_the_plugin_file_fails_at_nvidia_on_the_plugin_node_alone_and_says_so(ask) -> None:
    verdict, detail = ask(pair(), "NVIDIA parser")
    assert verdict == "expected"
    assert re.search(r"fails on the plugin node alone: FFTPlugin there: .*Plugin not found.*\(the file has 2\)", detail)
    assert "builds it on the CPU" in detail
    verdict, detail = ask(pair(), "ONNX Runtime")
    assert verdict == "pass"
    assert "2 plugin nodes stood in for by matrix products" in detail


def test_another_failure_beside_the_plugin_node_is_not_excused(ask) -> None:
    nodes = [*pair().graph.node]
    nodes[1].output[0] = "z"
    nodes.append(helper.make_node("Lift", ["z"], ["y"], "lift", domain="ours"))
    model = tiny(nodes, domains=(PLUGIN_DOMAIN, "ours"), fft="plugin",
                 inner={"s": (1, 4, 8, 9, 2), "z": (1, 4, 8, 16)})
    verdict, detail = ask(model, "NVIDIA parser")
    assert verdict == "fail"
    assert "Lift" in detail


def test_what_no_tensorrt_takes_is_skipped_with_the_reason(ask) -> None:
    dft = helper.make_node("DFT", ["x"], ["y"], "dft", axis=2)
    model = tiny([dft], shape=(1, 4, 8, 2), fft="dft")
    assert ask(model, "NVIDIA parser") == ("skipped", "no TensorRT parser knows ONNX's DFT; export with --fft matmul "
                                                      "or plugin for TensorRT")
    verdict, detail = ask(tiny(), "NVIDIA parser", "structure.int8-cpu.onnx")
    assert verdict == "skipped"
    assert "U8S8" in detail


def test_nvidias_strong_typing_is_really_asked(ask) -> None:
    half = helper.make_node("Cast", ["x"], ["h"], "narrow", to=TensorProto.FLOAT16)
    add = helper.make_node("Add", ["x", "h"], ["y"], "mixed")
    verdict, detail = ask(tiny([half, add]), "NVIDIA parser")
    assert verdict == "fail"
    assert "mixed" in detail


def test_a_parser_that_dies_is_a_finding_and_not_the_end_of_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx.save(tiny(), tmp_path / "tiny.onnx")
    monkeypatch.setattr("export.check.nvidia_check.sys.executable", "/bin/false")
    assert check_nvidia(ModelFile(tmp_path / "tiny.onnx")).verdict == "fail"


def test_the_command_ends_with_four_and_names_the_failed_check(tmp_path: Path, capsys) -> None:
    onnx.save(tiny(shape=("n", 4)), tmp_path / "tiny.onnx")
    assert main(["check", str(tmp_path / "tiny.onnx"), "--json", str(tmp_path / "out.json")]) == 4
    shown = capsys.readouterr()
    assert "fail     static shapes" in shown.out
    assert "1 of 8 checks failed" in shown.err
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["holds"] is False
    assert {f["check"] for f in written["findings"]} == set(CHECKS)
