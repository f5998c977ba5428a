"""Multiply-adds are counted as the textbook counts them, and the shipped stages stay within their budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_graphsurgeon as gs
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from edge.runtime.bundle import DEFAULT_BUNDLE
from export.check.work import multiply_adds
from export.cli import main

BUDGET = 6e9
"""Multiply-adds per frame that both stages may take together."""


def graph_of(op: str, inputs: list[tuple[int, ...]], output: tuple[int, ...], **attributes: object) -> onnx.ModelProto:
    first = gs.Variable("x", np.float32, inputs[0])
    others = [gs.Constant(f"w{k}", np.zeros(shape, np.float32)) for k, shape in enumerate(inputs[1:])]
    out = gs.Variable("y", np.float32, output)
    node = gs.Node(op, inputs=[first, *others], outputs=[out], attrs=attributes)
    return gs.export_onnx(gs.Graph([node], [first], [out], opset=17))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (graph_of("Conv", [(1, 8, 16, 16), (12, 4, 3, 3)], (1, 12, 14, 14), group=2), 12 * 14 * 14 * 4 * 9),
        (graph_of("ConvTranspose", [(1, 8, 16, 16), (8, 5, 2, 2)], (1, 5, 32, 32), strides=[2, 2]), 8 * 256 * 5 * 4),
        (graph_of("MatMul", [(3, 7, 5), (5, 11)], (3, 7, 11)), 3 * 7 * 5 * 11),
        (graph_of("Gemm", [(5, 7), (5, 11)], (7, 11), transA=1), 7 * 5 * 11),
        (graph_of("Relu", [(3, 7)], (3, 7)), 0),
    ],
    ids=["Conv", "ConvTranspose", "MatMul", "Gemm", "Relu"],
)
def test_an_operator_counts_as_the_textbook_says(model: onnx.ModelProto, expected: int) -> None:
    assert multiply_adds(model) == expected


def test_a_size_that_is_not_known_gives_no_number() -> None:
    model = graph_of("MatMul", [(3, 7, 5), (5, 11)], (3, 7, 11))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    assert multiply_adds(model) is None


def test_torch_counts_the_same(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Flatten(),
                        nn.Linear(4 * 14 * 14, 10)).eval()
    image = torch.zeros(1, 3, 16, 16)
    torch.onnx.export(net, (image,), str(tmp_path / "net.onnx"), opset_version=17, dynamo=False)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        net(image)
    assert multiply_adds(onnx.load(tmp_path / "net.onnx")) == counted.get_total_flops() / 2


def test_the_shipped_stages_stay_within_their_budget_and_inspect_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    counts = [multiply_adds(onnx.load(DEFAULT_BUNDLE / f"{stage}.onnx")) for stage in ("structure", "radiograph")]
    known = [count for count in counts if count is not None]

    assert len(known) == 2
    assert 0 < sum(known) <= BUDGET
    assert main(["inspect", str(DEFAULT_BUNDLE)]) == 0
    assert f"One frame: {sum(known) / 1e9:.2f} GMAC" in capsys.readouterr().out
