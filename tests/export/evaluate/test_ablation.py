"""Runs with and without a part, and the plain U-Net, come out as rows of one table with their budgets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edge.errors import BundleError
from export.commands.ablations import ablation_text
from export.evaluate.ablation import load_reader, picture_rows, structure_row
from export.evaluate.reader.net import Reader
from export.model.config import PARTS
from export.model.unet import PlainUNet, UNetConfig
from export.train.loop import Schedule, save_atomic, train
from export.train.pix2pix_trainer import Pix2PixTrainer
from export.train.radiograph_trainer import RadiographTrainer
from export.train.structure_trainer import StructureTrainer
from export.train.template import fit_prior

NARROW = UNetConfig((4, 4, 4), 4)


@pytest.fixture
def schedule() -> Schedule:
    return Schedule(steps=1, batch=2, workers=0, mixed_precision=False)


@pytest.mark.parametrize("part", [None, *PARTS])
def test_every_part_can_be_left_out_of_both_stages(part, made_source, config, schedule, tmp_path) -> None:
    source = made_source([5.0, 25.0])
    config = replace(config, **({f"use_{part}": False} if part else {}))
    prior = fit_prior(source, config.landmark_modes)
    train(StructureTrainer(config, prior, source, source, schedule), tmp_path, schedule)
    train(RadiographTrainer(config, tmp_path / "structure.pt", source, source, schedule), tmp_path, schedule)

    angles = structure_row(tmp_path, source)
    drawn, alone = picture_rows(tmp_path, source, Reader().eval())

    assert angles.without == drawn.without == alone.without == ((part,) if part else ())
    assert (angles.steps, angles.subjects) == (1, len(source))
    assert angles.mae_deg["sacral_slope"] > 0
    assert (drawn.network, alone.network) == ("radiograph", "stage 1 alone")
    assert drawn.film["l1"] != alone.film["l1"]
    assert set(drawn.mae_deg) == {"thoracic_kyphosis_t4_t12", "lumbar_lordosis_l1_s1", "sacral_slope"}
    text = ablation_text([angles], [drawn, alone], "made spines")
    assert (part or "-") in text.splitlines()[4]


def test_the_plain_u_net_learns_and_its_run_is_a_row(made_source, tmp_path: Path) -> None:
    source = made_source([5.0, 25.0])
    schedule = Schedule(steps=8, batch=2, workers=0, mixed_precision=False, learning_rate=1e-2)
    trainer = Pix2PixTrainer(source, source, schedule, NARROW)
    before = trainer.validate(tmp_path, 0)["l1_own"]
    after = train(trainer, tmp_path, schedule)["l1_own"]

    (row,) = picture_rows(tmp_path, source, None)

    assert after < 0.97 * before
    assert (row.network, row.steps, row.mae_deg) == ("pix2pix", 8, {})
    assert row.film["l1"] == pytest.approx(after, rel=0.05)
    assert list((tmp_path / "samples").glob("pix2pix_*.png"))


def test_the_plain_u_net_draws_on_the_radiograph_s_grid() -> None:
    assert PlainUNet().eval()(torch.zeros(1, 8, 256, 128)).shape == (1, 1, 512, 256)


def test_a_resumed_pix2pix_run_goes_on_where_it_was(made_source, tmp_path: Path, schedule: Schedule) -> None:
    source = made_source([5.0, 25.0])
    whole = Pix2PixTrainer(source, source, schedule, NARROW)
    train(whole, tmp_path, schedule)
    again = Pix2PixTrainer(source, source, schedule, NARROW)
    train(again, tmp_path, schedule)
    for name, value in whole.average.net.state_dict().items():
        torch.testing.assert_close(again.average.net.state_dict()[name], value, atol=0, rtol=0, msg=name)


def test_a_reader_is_taken_from_its_training_state(tmp_path: Path) -> None:
    save_atomic({"net": Reader().state_dict()}, tmp_path / "reader.ckpt")
    assert not load_reader(tmp_path / "reader.ckpt").training
    with pytest.raises(BundleError):
        load_reader(tmp_path / "none.ckpt")
