"""Training resumes exactly, is seeded and improves."""

from __future__ import annotations

import csv

import pytest
import torch

from edge.errors import BundleError
from export.train.loop import Schedule, load_checkpoint, train
from export.train.radiograph_trainer import RadiographTrainer, load_radiograph
from export.train.structure_trainer import StructureTrainer, load_structure
from export.train.template import fit_prior


def structure_trainer(source, config, **changes):
    schedule = Schedule(**{"steps": 4, "batch": 4, "workers": 0, "mixed_precision": False, **changes})
    prior = fit_prior(source, config.landmark_modes)
    return StructureTrainer(config, prior, source, source, schedule), schedule


def test_a_resumed_run_ends_with_the_very_weights_of_an_uninterrupted_one(source, config, tmp_path) -> None:
    whole, schedule = structure_trainer(source, config)
    train(whole, tmp_path / "whole", schedule)

    class Stopped(Exception):
        pass

    first, _ = structure_trainer(source, config)
    plain = first.step
    first.step = lambda *a: plain(*a) if first.average.updates < 2 else (_ for _ in ()).throw(Stopped())
    with pytest.raises(Stopped):
        train(first, tmp_path / "parts", Schedule(**{**schedule.__dict__, "checkpoint_minutes": 0.0}))
    second, _ = structure_trainer(source, config)
    train(second, tmp_path / "parts", schedule)

    for name, value in whole.net.state_dict().items():
        torch.testing.assert_close(second.net.state_dict()[name], value, atol=0, rtol=0, msg=name)


def test_another_seed_gives_other_weights(source, config, tmp_path) -> None:
    runs = []
    for seed in (1, 2):
        trainer, schedule = structure_trainer(source, config, seed=seed, steps=1)
        train(trainer, tmp_path / str(seed), schedule)
        runs.append(trainer.net.state_dict()["head.squeeze.weight"])
    assert not torch.equal(*runs)


def test_training_writes_curves_pictures_and_weights_and_improves(source, config, tmp_path) -> None:
    trainer, schedule = structure_trainer(source, config, steps=30, learning_rate=5e-3)
    before = trainer.validate(tmp_path, 0)
    after = train(trainer, tmp_path, schedule)
    assert after["lumbar_lordosis_l1_s1"] < 0.8 * before["lumbar_lordosis_l1_s1"]
    rows = list(csv.DictReader((tmp_path / "structure_validation.csv").open()))
    assert float(rows[-1]["step"]) == 30
    assert list((tmp_path / "samples").glob("structure_*.png"))
    net = load_structure(load_checkpoint(tmp_path / "structure.pt"))
    torch.testing.assert_close(net.head.squeeze.weight, trainer.average.net.head.squeeze.weight)


def test_stage_2_trains_behind_a_frozen_stage_1_with_and_without_its_critic(source, config, tmp_path) -> None:
    stage_1, schedule = structure_trainer(source, config, steps=1)
    train(stage_1, tmp_path, schedule)
    schedule = Schedule(steps=3, batch=2, workers=0, mixed_precision=False)
    trainer = RadiographTrainer(config, tmp_path / "structure.pt", source, source, schedule)
    frozen = {n: v.clone() for n, v in trainer.structure.state_dict().items()}
    batch = next(trainer.batches(0))
    assert "critic" not in trainer.step(batch, 1e-3, 0.0)
    terms = trainer.step(batch, 1e-3, 0.9)
    assert {"coarse", "bodies", "edges", "stray", "critic", "adversarial", "matching"} <= set(terms)
    result = train(trainer, tmp_path, schedule)
    assert result["l1_true"] > 0
    for name, value in trainer.structure.state_dict().items():
        assert torch.equal(value, frozen[name]), name
    assert load_radiograph(load_checkpoint(tmp_path / "radiograph.pt")).config == config


def test_the_schedule_warms_up_and_falls_and_ends_by_the_first_limit() -> None:
    schedule = Schedule(minutes=10, steps=100, learning_rate=1.0)
    assert schedule.progress(50, 60.0) == 0.5
    assert schedule.progress(50, 540.0) == 0.9
    assert schedule.rate(0.0) < 0.05
    assert schedule.rate(schedule.warmup) == pytest.approx(1.0)
    assert schedule.rate(1.0) == pytest.approx(schedule.final)


def test_a_damaged_checkpoint_is_named(tmp_path) -> None:
    path = tmp_path / "structure.ckpt"
    path.write_bytes(b"half a file")
    with pytest.raises(BundleError, match="cannot read the checkpoint"):
        load_checkpoint(path)
