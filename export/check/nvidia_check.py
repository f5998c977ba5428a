"""Whether NVIDIA's parser takes a file and its builder makes an engine of it (``export.check.nvidia_parser``)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

import onnx

from export.check.findings import ModelFile, Outcome, failed, passed, skipped
from export.onnx.passes.plugin_node import PLUGIN_OP
from export.onnx.stand_in import without_plugin

LIMIT_S: Final = 900
"""A stage takes seconds; a machine may be slow, but a parser that hangs must not hold up the check."""
_PACKAGE: Final = "tensorrt-rtx-cu13"


def check_nvidia(file: ModelFile) -> Outcome:
    """Parse and build; a file with plugin nodes must fail on these alone, and build once they are stood in for."""
    if file.is_for_cpus:
        return skipped("its Q/DQ pairs are U8S8 for ONNX Runtime on CPUs; TensorRT takes symmetric S8S8 alone, "
                       "which the bundle's .int8.onnx holds")
    if any(node.op_type == "DFT" for node in file.model.graph.node):
        return skipped("no TensorRT parser knows ONNX's DFT; export with --fft matmul or plugin for TensorRT")
    answer = _ask(file.path)
    if isinstance(answer, Outcome):
        return answer
    if not file.plugin_count:
        return _verdict(answer)
    other = [error for error in answer["errors"] if error["operator"] != PLUGIN_OP]
    if other or not answer["errors"]:
        return _verdict({**answer, "errors": other})
    with tempfile.TemporaryDirectory(prefix="latx-check-") as scratch:
        stand_in = Path(scratch) / "stand-in.onnx"
        onnx.save(without_plugin(file.model)[0], stand_in)
        rest = _ask(stand_in)
    outcome = rest if isinstance(rest, Outcome) else _verdict(rest)
    if outcome.verdict != "pass":
        return outcome
    return Outcome("expected", f"fails on the plugin node alone: {_shown(answer['errors'][0])} (the file has "
                               f"{file.plugin_count}); with matrix products in their place: {outcome.detail}")


def _verdict(answer: dict[str, Any]) -> Outcome:
    name = f"TensorRT-RTX {answer['version']}"
    if answer["errors"]:
        kinds = Counter(error["operator"] for error in answer["errors"])
        return failed(f"{name} cannot parse {', '.join(f'{n} x {k}' for k, n in kinds.items())}: "
                      f"{_shown(answer['errors'][0])}")
    if not answer["built"]:
        return failed(f"{name} parses it but builds no engine: {'; '.join(answer['messages'][:2])[:300]}")
    return passed(f"{name} builds it on the CPU: {answer['layers']} layers, {answer['bytes'] / 1e6:.1f} MB, "
                  f"{answer['seconds']:.1f} s")


def _ask(path: Path) -> dict[str, Any] | Outcome:
    command = [sys.executable, "-m", "export.check.nvidia_parser", str(path.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False,
                              cwd=Path(__file__).resolve().parents[2])
    except subprocess.TimeoutExpired:
        return failed(f"NVIDIA's parser did not answer within {LIMIT_S} s")
    if "No module named 'tensorrt_rtx'" in done.stderr:
        return skipped(f"{_PACKAGE} is not installed: pip install {_PACKAGE}")
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return failed(f"NVIDIA's parser ended without an answer: {last[:300]}")
    return answer


def _shown(error: dict[str, str]) -> str:
    return f"{error['operator']} {error['node']}: {error['text'][:200]}"
