"""The answer of one check about one file, and what is known of a file before any check asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import onnx

from edge.errors import BundleError
from export.onnx.passes.plugin_node import PLUGIN_DOMAIN, PLUGIN_OP

Verdict = Literal["pass", "expected", "skipped", "fail"]

CPU_INT8_SUFFIX: Final = ".int8-cpu"
"""Files whose Q/DQ pairs are U8S8, for ONNX Runtime on CPUs."""


@dataclass(frozen=True)
class Outcome:
    """``expected``: it fails exactly where it has to, and nowhere else. ``skipped``: does not apply, or cannot run."""

    verdict: Verdict
    detail: str


@dataclass(frozen=True)
class Finding:
    """``Outcome`` of the check called ``check`` on ``file``."""

    file: str
    check: str
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"file": self.file, "check": self.check, "verdict": self.outcome.verdict,
                "detail": self.outcome.detail}


@dataclass(frozen=True)
class ModelFile:
    """One ONNX file. ``stage``: of ``edge.runtime.stages``, optional ones too; empty where the file is of none."""

    path: Path
    stage: str = ""

    @cached_property
    def model(self) -> onnx.ModelProto:
        """The file's content.

        Raises:
            BundleError: it is no ONNX file.
        """
        try:
            return onnx.load(self.path)
        except Exception as failure:  # protobuf and onnx raise classes of their own
            raise BundleError("this is no ONNX file", where=str(self.path), expected="an ONNX model",
                              found=type(failure).__name__, mend="export it again") from None

    @cached_property
    def plugin_count(self) -> int:
        """How many plugin nodes it has."""
        return sum(n.op_type == PLUGIN_OP and n.domain == PLUGIN_DOMAIN for n in self.model.graph.node)

    @property
    def is_for_cpus(self) -> bool:
        """Whether it is the INT8 form that no TensorRT takes."""
        return self.path.stem.endswith(CPU_INT8_SUFFIX)


def passed(detail: str) -> Outcome:
    """It holds."""
    return Outcome("pass", detail)


def failed(detail: str) -> Outcome:
    """It does not hold."""
    return Outcome("fail", detail)


def skipped(reason: str) -> Outcome:
    """It was not asked, and why."""
    return Outcome("skipped", reason)
