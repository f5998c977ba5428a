"""Graph pass: the branches of a Fast Fourier Convolution read and write whole feature maps.

The exported block splits its channels, convolves each part, adds across, and concatenates. Convolutions with zeros
where a part is not read or written say the same without moving a value, and two of them over the same input are one.
The zeros cost a few multiplications that integer kernels hardly notice; the moves cost more than the arithmetic.
"""

from __future__ import annotations

import numpy as np
import onnx_graphsurgeon as gs


def apply(graph: gs.Graph) -> int:
    """Apply the three rewrites below until nothing changes; returns how many were made."""
    made = 0
    while True:
        changed = sum(rewrite(graph) for rewrite in (_lift_sum, _read_whole, _write_whole, _merge_same_input))
        graph.cleanup().toposort()
        if not changed:
            return made
        made += changed


def _lift_sum(graph: gs.Graph) -> int:
    """Concat(Add(Split_0(y), b0), Add(Split_1(y), b1), ...) becomes Add(y, Concat(b0, b1, ...))."""
    made = 0
    for join in [n for n in graph.nodes if n.op == "Concat" and n.attrs["axis"] == 1]:
        parts = [_sum_with_split(tensor, index) for index, tensor in enumerate(join.inputs)]
        splits = {id(part[0]): part[0] for part in parts if part}
        if None in parts or len(splits) != 1:
            continue
        split = next(iter(splits.values()))
        if len(split.outputs) != len(parts):
            continue
        whole, out = split.inputs[0], join.outputs[0]
        rest = gs.Variable(f"{join.name}.rest", np.float32, out.shape)
        others = [part[1] for part in parts if part]
        join.outputs = []
        graph.nodes.append(gs.Node("Concat", f"{join.name}.rest", {"axis": 1}, others, [rest]))
        graph.nodes.append(gs.Node("Add", f"{join.name}.sum", {}, [whole, rest], [out]))
        made += 1
    return made


def _sum_with_split(tensor: gs.Tensor, index: int) -> tuple[gs.Node, gs.Tensor] | None:
    """For Add(Split(y)[index], b), read by one node: the split and b."""
    if len(tensor.inputs) != 1 or tensor.inputs[0].op != "Add" or len(tensor.outputs) != 1:
        return None
    pair = tensor.inputs[0].inputs
    for part, other in (pair, pair[::-1]):
        made_by = part.inputs[0] if len(part.inputs) == 1 else None
        if made_by is None or not _splits_channels(made_by) or len(part.outputs) != 1:
            continue
        if made_by.outputs.index(part) == index:
            return made_by, other
    return None


def _splits_channels(node: gs.Node) -> bool:
    return node.op == "Split" and node.attrs.get("axis", 0) == 1


def _plain_convolution(node: gs.Node) -> bool:
    return node.op == "Conv" and node.attrs.get("group", 1) == 1 and isinstance(node.inputs[1], gs.Constant)


def _read_whole(graph: gs.Graph) -> int:
    """Conv(Split_i(x)) becomes Conv(x) with zero weights for the channels that it did not read."""
    made = 0
    for node in [n for n in graph.nodes if _plain_convolution(n)]:
        part = node.inputs[0]
        split = part.inputs[0] if len(part.inputs) == 1 else None
        if split is None or not _splits_channels(split):
            continue
        whole = split.inputs[0]
        start = sum(out.shape[1] for out in split.outputs[: split.outputs.index(part)])
        weight = node.inputs[1].values
        wide = np.zeros((weight.shape[0], whole.shape[1], *weight.shape[2:]), np.float32)
        wide[:, start : start + weight.shape[1]] = weight
        node.inputs[0], node.inputs[1] = whole, gs.Constant(node.inputs[1].name, wide)
        made += 1
    return made


def _write_whole(graph: gs.Graph) -> int:
    """Concat(Conv(a), Conv(b)) becomes Add(Conv(a), Conv(b)), each with zeros for the other's channels."""
    made = 0
    for join in [n for n in graph.nodes if n.op == "Concat" and n.attrs["axis"] == 1]:
        makers = [t.inputs[0] for t in join.inputs if len(t.inputs) == 1 and len(t.outputs) == 1]
        if len(makers) != 2 or len(join.inputs) != 2 or not all(map(_plain_convolution, makers)):
            continue
        out, start = join.outputs[0], 0
        for maker in makers:
            weight = maker.inputs[1].values
            end = start + weight.shape[0]
            wide = np.zeros((out.shape[1], *weight.shape[1:]), np.float32)
            wide[start:end] = weight
            bias = np.zeros(out.shape[1], np.float32)
            if len(maker.inputs) > 2:
                bias[start:end] = maker.inputs[2].values
            name = maker.inputs[1].name
            maker.inputs = [maker.inputs[0], gs.Constant(name, wide), gs.Constant(f"{name}_bias", bias)]
            maker.outputs[0].shape = out.shape
            start = end
        join.op, join.attrs = "Add", {}
        made += 1
    return made


def _merge_same_input(graph: gs.Graph) -> int:
    """Add(Conv1(x), Add(Conv2(x), z)) becomes Add(Conv12(x), z), where both convolve alike."""
    made = 0
    for node in [n for n in graph.nodes if n.op == "Add"]:
        for first, nested in (tuple(node.inputs), tuple(node.inputs[::-1])):
            one = first.inputs[0] if len(first.inputs) == 1 else None
            inner = nested.inputs[0] if len(nested.inputs) == 1 else None
            if one is None or inner is None or inner.op != "Add" or len(nested.outputs) != 1:
                continue
            for second, rest in (tuple(inner.inputs), tuple(inner.inputs[::-1])):
                two = second.inputs[0] if len(second.inputs) == 1 else None
                if two is None or not _alike(one, two) or len(first.outputs) != 1 or len(second.outputs) != 1:
                    continue
                one.inputs = [one.inputs[0], *_summed(one, two)]
                node.inputs = [first, rest]
                made += 1
                break
            else:
                continue
            break
    return made


def _alike(one: gs.Node, two: gs.Node) -> bool:
    same = one is not two and _plain_convolution(one) and _plain_convolution(two) and one.inputs[0] is two.inputs[0]
    return same and one.attrs == two.attrs and one.inputs[1].values.shape == two.inputs[1].values.shape


def _summed(one: gs.Node, two: gs.Node) -> list[gs.Constant]:
    biases = [n.inputs[2].values for n in (one, two) if len(n.inputs) > 2]
    name = one.inputs[1].name
    weight = gs.Constant(name, one.inputs[1].values + two.inputs[1].values)
    return [weight, *([gs.Constant(f"{name}_bias", np.sum(biases, axis=0))] if biases else [])]
