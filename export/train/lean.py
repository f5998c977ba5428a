"""The expert for typical backs made to lean on the one for ideal backs, where skin and spine belong together closely.

An expert that learned how loosely skin and spine hang together on phantoms draws the angles of scanned backs too far
towards the mean: over twelve of them the truth goes 1.5 times as far from it, and 1.2 times as far as the ideal backs'
expert says. Mixing the two weighs what phantoms gain by the one against what scanned backs gain by the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from torch import Tensor

from edge.errors import BundleError
from export.model.config import EXPERTS
from export.model.experts import by_expert, expert_weights, side_by_side
from export.train.loop import load_checkpoint
from export.train.structure_trainer import load_structure

IDEAL: Final = EXPERTS.index("sensor")
TYPICAL: Final = EXPERTS.index("typical")


def leaning_weights(structure: Path, share: float) -> dict[str, Any]:
    """``structure.pt`` whose expert for typical backs answers by ``share`` as the one for ideal backs does.

    Raises:
        BundleError: the file is missing, damaged or of another network.
    """
    weights = load_checkpoint(structure)
    try:
        net = load_structure(weights)
    except RuntimeError as error:
        raise BundleError("the weights are not of this network", where=str(structure),
                          expected="a stage 1 with experts", found=str(error).splitlines()[0],
                          mend="train it on from those weights first") from None
    leaning = {name: _leaning(weights["net"][name], share) for name in expert_weights(net)}
    return {**weights, "net": {**weights["net"], **leaning}}


def _leaning(weight: Tensor, share: float) -> Tensor:
    experts, offsets = by_expert(weight)
    experts[TYPICAL] = experts[TYPICAL].lerp(experts[IDEAL], share)
    offsets[:, TYPICAL] = offsets[:, TYPICAL].lerp(offsets[:, IDEAL], share)
    return side_by_side(experts, offsets)
