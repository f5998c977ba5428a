"""The mean of two sets of weights, of which one was fine-tuned from the other.

Fine-tuning on a corrected phantom gains there and loses a little of what the weights could do before; weights between
the two keep both (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Final

from torch import nn

from edge.errors import BundleError
from export.train.dataset import training_batches
from export.train.loop import load_checkpoint
from export.train.radiograph_trainer import load_radiograph
from export.train.sample import SampleSource
from export.train.statistics import drawn_from, renew_statistics, seen_views
from export.train.structure_trainer import load_structure
from export.train.warm_start import GATE, grown

BATCH: Final = 32


def mean_weights(earlier: Path, tuned: Path, share: float) -> dict[str, Any]:
    """``share`` of the weights in ``tuned`` and the rest of those in ``earlier`` (each a ``<stage>.pt``).

    What ``earlier`` lacked when ``tuned`` started from it (profiles, experts and their gate) it is given as then.

    Raises:
        BundleError: a file is missing or damaged, or the two are not of the same network.
    """
    first, second = load_checkpoint(earlier), load_checkpoint(tuned)
    gate = {name: value for name, value in second["net"].items() if name.startswith(f"{GATE}.")}
    if gate and first["config"] == second["config"]:
        first = {**first, "net": {**gate, **grown(load_structure(second), first["net"])}}
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


def with_own_statistics(
    weights: dict[str, Any], stage: str, structure: Path, source: SampleSource, subjects: int
) -> dict[str, Any]:
    """``weights`` with the statistics that they have themselves, on subjects changed as in training.

    Args:
        stage: "structure" or "radiograph". structure: weights of stage 1 that stage 2 draws behind.

    Raises:
        BundleError: stage 1's weights are missing or damaged.
    """
    batches = islice(training_batches(source, BATCH, 1, 0, 0, 0, with_radiograph=False), -(-subjects // BATCH))
    net: nn.Module
    if stage == "structure":
        net = load_structure(weights)
        renew_statistics(net, seen_views(batches))
    else:
        net = load_radiograph(weights)
        renew_statistics(net, drawn_from(load_structure(load_checkpoint(structure)), batches))
    return {**weights, "net": net.state_dict()}
