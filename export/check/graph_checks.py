"""Checks that read the graph alone: validity, shapes, opset, operators, metadata."""

from __future__ import annotations

from collections import Counter
from typing import Final

import onnx
from onnx import shape_inference

from edge.runtime.runner import TensorSpec
from edge.runtime.stages import ALL_STAGES
from export.check.findings import ModelFile, Outcome, failed, passed, skipped
from export.onnx.passes.plugin_node import PLUGIN_DOMAIN, PLUGIN_OP

LOWEST_OPSET: Final = 18
"""torch writes no lower one without its down-converter, which breaks graphs of real transforms."""
HIGHEST_OPSET: Final = 20
"""The highest that TensorRT 10.3 (JetPack 6) documents."""
RUNTIME_DOMAINS: Final = {"com.microsoft": "ONNX Runtime alone"}
"""Operator domains beyond ONNX's own that some runtime knows, and which; a device's TensorRT knows none of them."""
MAX_NAMED: Final = 5


def check_valid(file: ModelFile) -> Outcome:
    """ONNX's own checker, with strict shape inference."""
    try:
        onnx.checker.check_model(file.model, full_check=True)
    except Exception as failure:  # checker and shape inference raise different classes
        return failed(_first_line(failure))
    return passed(f"onnx {onnx.__version__}, {len(file.model.graph.node)} nodes")


def check_static(file: ModelFile) -> Outcome:
    """Every input, output and inferred tensor has a static shape."""
    graph = file.model.graph
    moving = [_shown(v) for v in (*graph.input, *graph.output) if not _is_static(v)]
    if moving:
        return failed("dynamic axes: " + _some(moving))
    try:
        inferred = shape_inference.infer_shapes(file.model, check_type=True, strict_mode=True, data_prop=True)
    except Exception as failure:
        return failed(_first_line(failure))
    known = {v.name for v in (*inferred.graph.value_info, *graph.output) if _is_static(v)}
    made = [name for node in graph.node for name in node.output if name]
    unknown = [name for name in made if name not in known]
    if unknown:
        return failed("tensors whose shape is not known before the run: " + _some(unknown))
    return passed(f"{len(graph.input)} inputs, {len(graph.output)} outputs, all {len(made)} tensors that nodes make")


def check_tensors(file: ModelFile) -> Outcome:
    """Inputs and outputs are those of the stage, by name, order, shape and type."""
    if not file.stage:
        return skipped("the file belongs to no stage")
    rules, wrong = ALL_STAGES[file.stage], []
    for side, expected, declared in (("input", rules.inputs, file.model.graph.input),
                                     ("output", rules.outputs, file.model.graph.output)):
        specs = [_spec(value) for value in declared]
        if len(specs) != len(expected) or not all(r.accepts(s) for r, s in zip(expected, specs, strict=True)):
            wrong.append(f"{side}s: expected {', '.join(map(str, expected))}; found {', '.join(map(str, specs))}")
    return failed("; ".join(wrong)) if wrong else passed(f"those of stage {file.stage}")


def check_opset(file: ModelFile) -> Outcome:
    """The opset is one that both the exporter writes well and TensorRT 10.3 takes."""
    version = next((entry.version for entry in file.model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if not LOWEST_OPSET <= version <= HIGHEST_OPSET:
        return failed(f"opset {version}; expected {LOWEST_OPSET} to {HIGHEST_OPSET}; export it again")
    return passed(f"opset {version}")


def check_operators(file: ModelFile) -> Outcome:
    """Every operator is ONNX's own, or the plugin node."""
    opset = next((entry.version for entry in file.model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    unknown: list[str] = []
    foreign: Counter[str] = Counter()
    for node in file.model.graph.node:
        if node.domain in RUNTIME_DOMAINS:
            foreign[f"{node.domain}::{node.op_type}, known to {RUNTIME_DOMAINS[node.domain]}"] += 1
        elif (node.op_type, node.domain) != (PLUGIN_OP, PLUGIN_DOMAIN) and not _is_known(node, opset):
            unknown.append(f"{node.domain or 'ai.onnx'}::{node.op_type} ({node.name})")
    if unknown:
        return failed(f"unknown operators: {_some(unknown)}")
    if foreign and not file.is_for_cpus:
        return failed("operators that TensorRT does not know: " + _some([f"{n} x {k}" for k, n in foreign.items()]))
    kinds = len({n.op_type for n in file.model.graph.node})
    plugin = f", and {file.plugin_count} x {PLUGIN_OP}" if file.plugin_count else ""
    return passed(f"{kinds} kinds, all of ONNX itself{plugin}")


def check_metadata(file: ModelFile) -> Outcome:
    """The file says its stage, its lowering and the unit of every tensor; and it is lowered as it says."""
    props = {entry.key: entry.value for entry in file.model.metadata_props}
    names = [value.name for value in (*file.model.graph.input, *file.model.graph.output)]
    missing = [k for k in ("latx.stage", "latx.fft", *(f"latx.unit.{n}" for n in names)) if not props.get(k)]
    if missing:
        return failed("no metadata " + _some(missing))
    kinds = {node.op_type for node in file.model.graph.node}
    written = "dft" if "DFT" in kinds else "plugin" if PLUGIN_OP in kinds else "matmul"
    if props["latx.fft"] != written:
        return failed(f"says that its Fourier transforms are {props['latx.fft']}, but they are {written}")
    if file.stage and props["latx.stage"] != file.stage:
        return failed(f"says that it is stage {props['latx.stage']}, not {file.stage}")
    return passed(f"FFT as {written}, a unit for each of {len(names)} tensors")


def _is_known(node: onnx.NodeProto, opset: int) -> bool:
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    except onnx.defs.SchemaError:
        return False
    return not schema.deprecated


def _is_static(value: onnx.ValueInfoProto) -> bool:
    kind = value.type.tensor_type
    return kind.HasField("shape") and all(d.HasField("dim_value") and d.dim_value >= 0 for d in kind.shape.dim)


def _spec(value: onnx.ValueInfoProto) -> TensorSpec:
    kind = value.type.tensor_type
    dtype = str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)) if kind.elem_type else "unknown"
    return TensorSpec(value.name, tuple(d.dim_value for d in kind.shape.dim), dtype)


def _shown(value: onnx.ValueInfoProto) -> str:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return f"{value.name} (no shape)"
    sizes = [str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in kind.shape.dim]
    return f"{value.name} [{', '.join(sizes)}]"


def _some(items: list[str]) -> str:
    rest = len(items) - MAX_NAMED
    return ", ".join(items[:MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _first_line(failure: Exception) -> str:
    text = str(failure).strip()
    return text.splitlines()[0][:300] if text else type(failure).__name__
