"""Training takes pairs that lack what a film does not show, alone and among phantom subjects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from export.model.config import ModelConfig
from export.train.loop import Schedule
from export.train.pairs import PairFolder
from export.train.sample import SampleSource
from export.train.sources import joined
from export.train.structure_trainer import StructureTrainer
from export.train.template import fit_prior


def test_a_step_on_flat_pairs_moves_the_weights_and_keeps_them_finite(
    changed: Callable[..., Path], made_source: Callable[..., SampleSource], config: ModelConfig
) -> None:
    spines = made_source([5.0, 10.0, 15.0, 20.0, 25.0, 30.0])
    folder = changed(endplates_mm=None).parent
    schedule = Schedule(minutes=0, steps=2, batch=2, learning_rate=1e-3, seed=1, workers=0, checkpoint_minutes=9,
                        validate_minutes=9, mixed_precision=False)
    for training in (PairFolder(folder), joined([spines], folder)):
        trainer = StructureTrainer(config, fit_prior(spines, config.landmark_modes), training, spines, schedule)
        before = torch.cat([p.detach().flatten().clone() for p in trainer.net.parameters()])

        batches = trainer.batches(0)
        losses = [trainer.step(next(batches), 1e-3, 0.0)["loss"] for _ in range(2)]

        after = torch.cat([p.detach().flatten() for p in trainer.net.parameters()])
        assert torch.isfinite(torch.tensor(losses)).all()
        assert torch.isfinite(after).all()
        assert not torch.equal(before, after)
