"""What the pipeline asks of anything that can run one stage of the model, and the check of what goes in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import BundleError

Tensors = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class TensorSpec:
    """Name, static shape and element type of one input or output."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}{list(self.shape)}"


class StageRunner(Protocol):
    """One stage of the model, ready to run. A runner serves one thread at a time."""

    @property
    def stage(self) -> str:
        """Name of the stage, a key of ``edge.runtime.stages.STAGES``."""

    @property
    def runtime(self) -> str:
        """What executes it, for the record of a result, e.g. ``"onnxruntime 1.20.1 CPU"``."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Every input that ``run`` must be given."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Every output that ``run`` returns."""

    def run(self, tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Run the stage once.

        Raises:
            BundleError: an input or output is missing or has another shape or type, an output is not finite,
                or the runtime failed.
            ServiceError: the GPU failed; another start may help.
        """

    def close(self) -> None:
        """Give back what the runner holds. May be called twice; ``run`` fails afterwards."""


class JoinedStages(Protocol):
    """Both stages in one call, for a runtime that need not go back to the host between them."""

    def run(self, tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """From stage 1's inputs to the outputs of both stages, without those that only stage 2 reads.

        Raises:
            BundleError: as ``StageRunner.run``.
        """

    def close(self) -> None:
        """Give back what is held. May be called twice."""


def check_tensors(stage: str, side: str, specs: tuple[TensorSpec, ...],
                  tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Hold tensors against their specs.

    Args:
        side: "input" or "output", for the message.

    Raises:
        BundleError: one is missing, unexpected, or has another shape or element type.
    """
    names = {spec.name for spec in specs}
    unexpected = sorted(set(tensors) - names)
    if unexpected:
        raise BundleError(f"stage {stage} has no such {side}", expected=", ".join(sorted(names)),
                          found=", ".join(unexpected))
    for spec in specs:
        array = tensors.get(spec.name)
        if array is None:
            raise BundleError(f"stage {stage} lacks an {side}", expected=str(spec), found=_names(tensors))
        if array.shape != spec.shape or array.dtype != np.dtype(spec.dtype):
            raise BundleError(f"stage {stage} was given another {side}", expected=str(spec),
                              found=f"{spec.name} {array.dtype}{list(array.shape)}")


def check_finite(stage: str, tensors: Mapping[str, NDArray[np.float32]], where: str = "") -> None:
    """Refuse outputs that hold NaN or infinity: no angle is ever made from them.

    Raises:
        BundleError: names the first such output.
    """
    for name, array in tensors.items():
        # one pass and no temporary array: a sum is finite unless a member is not (or float32 overflows, as bad)
        if not np.isfinite(array.sum()):
            raise BundleError(f"stage {stage} returned values that are not finite", where=where,
                              expected=f"finite {name}",
                              found=f"{int((~np.isfinite(array)).sum())} of {array.size} not finite",
                              mend="check the bundle with its own manifest, or use another one")


def _names(tensors: Mapping[str, NDArray[np.float32]]) -> str:
    return ", ".join(sorted(tensors)) or "nothing"
