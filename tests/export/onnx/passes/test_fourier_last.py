"""A Fourier unit with channels last computes what it did, and transposes nothing inside."""

from __future__ import annotations

import numpy as np
import pytest

from export.onnx.passes import channel_order, fourier_last


@pytest.fixture
def fourier_unit(fourier_unit):
    """The shared one, in the order of channels in which this pass is given it."""

    def make(*size, **options):
        graph = fourier_unit(*size, **options)
        channel_order.apply(graph)
        return graph

    return make


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(("height", "width"), [(32, 16), (5, 7), (8, 3), (1, 4), (6, 2)])
def test_it_means_the_same_for_any_size(fourier_unit, answer, height: int, width: int, relu: bool) -> None:
    graph = fourier_unit(height, width, relu=relu)
    want = answer(graph)
    assert fourier_last.apply(graph) == 1
    np.testing.assert_allclose(answer(graph), want, rtol=1e-5, atol=1e-5 * np.abs(want).max())


def test_the_only_transpositions_are_at_its_ends_and_nothing_is_convolved(fourier_unit) -> None:
    graph = fourier_unit(32, 16)
    fourier_last.apply(graph)
    assert [n.attrs["perm"] for n in graph.nodes if n.op == "Transpose"] == [[0, 2, 3, 1], [0, 3, 1, 2]]
    assert "Conv" not in {node.op for node in graph.nodes}


@pytest.mark.parametrize("tensor", ["spectrum", "mixed", "kept"])
def test_a_unit_whose_spectrum_somebody_else_reads_is_left_alone(fourier_unit, tensor: str) -> None:
    graph = fourier_unit(8, 6)
    graph.outputs.append(graph.tensors()[tensor])
    assert fourier_last.apply(graph) == 0


def test_products_with_other_matrices_are_no_transforms(fourier_unit) -> None:
    graph = fourier_unit(8, 6)
    rows = graph.tensors()["fft/rows_8"]
    rows.values = rows.values * np.float32(1.01)
    assert fourier_last.apply(graph) == 0
