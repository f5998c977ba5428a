"""Batches depend on seed and step alone, and carry what the losses need."""

from __future__ import annotations

import dataclasses
from itertools import islice

import torch

from edge.lift import back_tensor, lateral_lift
from export.train.dataset import StepSampler, training_batches, validation_batches


def test_a_sampler_that_starts_later_gives_the_batches_of_one_that_started_at_zero() -> None:
    whole = list(islice(StepSampler(100, 4, seed=1), 6))
    late = list(islice(StepSampler(100, 4, seed=1, first_step=4), 2))
    assert late == whole[4:]
    assert list(islice(StepSampler(100, 4, seed=1, rank=1), 1)) != whole[:1]


def test_validation_sees_every_sample_once_and_unchanged(source) -> None:
    batches = list(validation_batches(source, 4))
    assert [len(b["back_view"]) for b in batches] == [4, 2]
    torch.testing.assert_close(batches[0]["back_view"][1], torch.from_numpy(back_tensor(source[1].view)))
    torch.testing.assert_close(batches[0]["lateral_lift"][1], torch.from_numpy(lateral_lift(source[1].view)))


def test_what_a_sample_does_not_know_is_nan(source) -> None:
    source.samples[0] = dataclasses.replace(source[0], endplates_mm=None, log_attenuation=None)
    batch = next(validation_batches(source, 2))
    assert batch["endplates_mm"][0].isnan().all()
    assert batch["angles_deg"][0].isnan().all()
    assert batch["log_attenuation"][0].isnan().all()
    assert not batch["endplates_mm"][1].isnan().any()


def test_a_worker_process_prepares_the_same_batches_as_this_one(source) -> None:
    own = next(training_batches(source, 3, 7, 0, 0, workers=0))
    other = next(training_batches(source, 3, 7, 0, 0, workers=1))
    for name, value in own.items():
        torch.testing.assert_close(other[name], value, equal_nan=True)
