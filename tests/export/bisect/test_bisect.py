"""``latx-export bisect`` on a stage in miniature whose nodes can be spoilt one by one."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.runtime.template_runner import TemplateRunner, mean_endplates_mm
from export.cli import main


@pytest.fixture
def chain(tmp_path):
    """A stage 1 whose endplates pass three named nodes; ``spoil`` adds an error to the constant of one of them."""

    def make(name, spoil="", error=0.0):
        specs, rng = TemplateRunner("structure"), np.random.default_rng(1)
        constants = {"base": mean_endplates_mm()[None] + [70.0, 0, 0], "shift": rng.normal(0, 1, (1, 37, 4, 3)),
                     "turn": np.ones((1, 37, 4, 3))}
        if spoil:
            constants[spoil] = constants[spoil] + error * rng.normal(0, 1, constants[spoil].shape)
        values = {k: v.astype(np.float32) for k, v in constants.items()} | {"nought": np.zeros(1, np.float32)}
        nodes = [
            helper.make_node("ReduceMean", ["back_view"], ["mean"], keepdims=0, name="pool"),
            helper.make_node("Mul", ["mean", "nought"], ["nothing"], name="mute"),
            helper.make_node("Add", ["base", "nothing"], ["spine"], name="place"),
            helper.make_node("Add", ["spine", "shift"], ["moved"], name="move"),
            helper.make_node("Mul", ["moved", "turn"], ["endplates_mm"], name="scale"),
        ]
        for spec in specs.outputs[1:]:
            values[f"{spec.name}_value"] = np.full(spec.shape, 2.0, np.float32)
            nodes.append(helper.make_node("Add", [f"{spec.name}_value", "nothing"], [spec.name], name=spec.name))
        sides = [[helper.make_tensor_value_info(s.name, TensorProto.FLOAT, s.shape) for s in side]
                 for side in (specs.inputs, specs.outputs)]
        tensors = [numpy_helper.from_array(v, k) for k, v in values.items()]
        graph = helper.make_graph(nodes, "structure", *sides, tensors)
        path = tmp_path / f"{name}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
        return path

    return make


@pytest.fixture
def views(tmp_path):
    np.savez(tmp_path / "view.npz", back_view=np.ones((1, 8, 256, 128), np.float32),
             lateral_lift=np.zeros((1, 4, 256, 128), np.float32))
    return str(tmp_path / "view.npz")


def found(tmp_path, *arguments):
    assert main(["bisect", *map(str, arguments), "--json", str(tmp_path / "found.json")]) == 0
    return json.loads((tmp_path / "found.json").read_text())


@pytest.mark.parametrize(("spoil", "node"), [("base", "place"), ("shift", "move"), ("turn", "scale")])
def test_the_spoilt_node_is_named_with_op_error_and_degrees(spoil, node, chain, views, tmp_path, capsys):
    whole, spoilt = chain("whole"), chain("spoilt", spoil, 0.1 if spoil == "turn" else 20.0)
    first = found(tmp_path, whole, spoilt, "--inputs", views)["first"]
    assert first["node"] == node
    assert first["op"] in ("Add", "Mul")
    assert first["worst"] > 0.01
    assert first["degrees"] > 1.0
    assert f"First node out of tolerance: {first['op']} {node}" in capsys.readouterr().out


def test_two_equal_files_agree_everywhere_and_cost_nothing(chain, views, tmp_path, capsys):
    whole = chain("whole")
    result = found(tmp_path, whole, whole, "--inputs", views)
    assert result["first"] is None
    assert result["total_deg"] == 0.0
    assert "Every node is within" in capsys.readouterr().out


@pytest.mark.parametrize("runner", ["onnxruntime-plain", "openvino", "tensorrt"])
def test_one_file_can_be_held_against_itself_on_another_runner(runner, chain, views, tmp_path, stand_in_gpu):
    if runner == "openvino":
        pytest.importorskip("openvino", reason="needs openvino (extra: peer)")
    gpu, _ = stand_in_gpu()
    whole = chain("whole")
    result = found(tmp_path, whole, whole, "--inputs", views, "--runner-b", runner)
    assert result["first"] is None
    assert result["total_deg"] < 1e-3
    assert not gpu.alive
    assert gpu.contexts == 0


def test_bad_input_is_one_line(chain, views, tmp_path, capsys, make_stage):
    whole, other = chain("whole"), make_stage("radiograph", tmp_path / "r.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    for arguments, code, says in (
        ([whole, tmp_path / "text.onnx"], 4, "cannot be read"),
        ([whole, other], 2, "different stages"),
        ([whole, whole, "--runner-b", "abacus"], 2, "unknown runner"),
        ([whole, whole, "--tolerance", "-1"], 2, "tolerance must be above 0"),
    ):
        assert main(["bisect", *map(str, arguments), "--inputs", views]) == code
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") == 1
