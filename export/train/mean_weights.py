"""The mean of two sets of weights, of which one was fine-tuned from the other.

Fine-tuning on a corrected phantom gains there and loses a little of what the weights could do before; weights between
the two keep both (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.errors import BundleError
from export.train.loop import load_checkpoint


def mean_weights(earlier: Path, tuned: Path, share: float) -> dict[str, Any]:
    """``share`` of the weights in ``tuned`` and the rest of those in ``earlier`` (each a ``<stage>.pt``).

    Raises:
        BundleError: a file is missing or damaged, or the two are not of the same network.
    """
    first, second = load_checkpoint(earlier), load_checkpoint(tuned)
    shapes = [{name: tuple(value.shape) for name, value in weights["net"].items()} for weights in (first, second)]
    if first["config"] != second["config"] or shapes[0] != shapes[1]:
        raise BundleError("the weights are not of the same network", where=f"{earlier}, {tuned}",
                          expected="one fine-tuned from the other (train --start-from)", found="other layers",
                          mend="name the run that the other one started from")
    mean = {
        name: first["net"][name].lerp(value, share) if value.is_floating_point() else value
        for name, value in second["net"].items()
    }
    return {**second, "net": mean}
