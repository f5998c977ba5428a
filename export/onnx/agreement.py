"""Whether the exported files mean what the trained networks mean, on real inputs, in output units and in degrees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge.errors import BundleError
from edge.runtime.runner import StageRunner
from export.model.config import SD_NAMES
from export.onnx.graph import StageGraph
from export.train.angles import measured_angles

RANGE_TOLERANCE: Final = 1e-3
"""Largest difference of any value, as a share of its output's range."""
ANGLE_TOLERANCE_DEG: Final = 0.05


@dataclass
class Agreement:
    """Largest differences seen: per output as a share of its range, and per angle in degrees."""

    outputs: dict[str, float] = field(default_factory=dict)
    angles_deg: dict[str, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every difference is within its tolerance (and none is NaN)."""
        return all(v <= RANGE_TOLERANCE for v in self.outputs.values()) and all(
            v <= ANGLE_TOLERANCE_DEG for v in self.angles_deg.values()
        )

    def flat(self) -> dict[str, float]:
        """For the manifest."""
        outputs = {f"{name}_of_range": value for name, value in self.outputs.items()}
        return outputs | {f"{name}_deg": value for name, value in self.angles_deg.items()}


def compare(
    graphs: tuple[StageGraph, StageGraph], runners: tuple[StageRunner, StageRunner],
    batches: Iterable[dict[str, Tensor]],
) -> Agreement:
    """Run both forms of both stages on batches of one; each runner's stage 2 gets its own stage 1's outputs."""
    agreement = Agreement()
    for batch in batches:
        torch_values: dict[str, NDArray[np.float32]] = {n: batch[n].numpy() for n in graphs[0].inputs}
        own_values = dict(torch_values)
        for graph, runner in zip(graphs, runners, strict=True):
            with torch.no_grad():
                result = graph.module(*(torch.from_numpy(torch_values[n]) for n in graph.inputs))
            results = result if isinstance(result, tuple) else (result,)
            got = runner.run({n: own_values[n] for n in graph.inputs})
            for name, want in zip(graph.outputs, results, strict=True):
                torch_values[name], own_values[name] = want.numpy(), got[name]
                spread = max(float(np.ptp(torch_values[name])), 1e-6)
                _raise_to(agreement.outputs, name, np.abs(got[name] - torch_values[name]).max() / spread)
        first, second = (measured_angles(v["endplates_mm"][0]) for v in (torch_values, own_values))
        for name, difference in zip(SD_NAMES, np.abs(first - second), strict=True):
            _raise_to(agreement.angles_deg, name, difference)
    return agreement


def hold(agreement: Agreement) -> None:
    """Refuse a bundle that does not agree.

    Raises:
        BundleError: names every output and angle that is off.
    """
    if agreement.holds:
        return
    off = [f"{n} {v:.2g} of its range" for n, v in agreement.outputs.items() if not v <= RANGE_TOLERANCE]
    off += [f"{n} {v:.2g} deg" for n, v in agreement.angles_deg.items() if not v <= ANGLE_TOLERANCE_DEG]
    raise BundleError(
        "the exported files differ from the trained networks",
        expected=f"at most {RANGE_TOLERANCE} of the range and {ANGLE_TOLERANCE_DEG} deg", found=", ".join(off),
        mend="try another --fft, and report the operators of that output",
    )


def _raise_to(table: dict[str, float], name: str, value: float) -> None:
    old = table.get(name, 0.0)
    table[name] = float("nan") if np.isnan(value) or np.isnan(old) else max(old, float(value))
