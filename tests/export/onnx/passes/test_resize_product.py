"""An enlarged map with channels last is ONNX's Resize and a transposition, as two products."""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from export.onnx.passes import resize_product


def enlarged(old: tuple[int, int, int], new: tuple[int, int], **attributes: str) -> gs.Graph:
    """Resize from (C, H, W) to (C, *new), then channels last."""
    channels = old[0]
    x, wide, y = (gs.Variable(n, np.dtype(np.float32), s) for n, s in (
        ("x", [1, *old]), ("wide", [1, channels, *new]), ("y", [1, *new, channels])))
    none = gs.Variable.empty()
    attrs = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"} | attributes
    resize = gs.Node("Resize", "resize", attrs, [x, none, none, gs.Constant("s", np.array(wide.shape))], [wide])
    turn = gs.Node("Transpose", "turn", {"perm": [0, 2, 3, 1]}, [wide], [y])
    return gs.Graph([resize, turn], [x], [y], opset=18)


@pytest.mark.parametrize(("old", "new"), [((2, 8, 4), (64, 32)), ((1, 5, 3), (7, 11)), ((3, 6, 6), (3, 4)),
                                          ((2, 4, 4), (4, 4))])
def test_it_is_the_same_interpolation(answer, old, new) -> None:
    graph = enlarged(old, new)
    want = answer(graph)
    assert resize_product.apply(graph) == 1
    assert "Resize" not in {node.op for node in graph.nodes}
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5)


def test_other_interpolations_and_many_channels_are_left_alone() -> None:
    assert resize_product.apply(enlarged((2, 8, 4), (16, 8), mode="nearest")) == 0
    assert resize_product.apply(enlarged((2, 8, 4), (16, 8), coordinate_transformation_mode="align_corners")) == 0
    assert resize_product.apply(enlarged((8, 8, 4), (16, 8))) == 0


def test_a_map_that_somebody_reads_unturned_is_left_alone() -> None:
    graph = enlarged((2, 8, 4), (16, 8))
    graph.outputs.append(graph.tensors()["wide"])
    assert resize_product.apply(graph) == 0
