"""The reader's second kind of film: what a run's stages draw, with the endplates that they drew."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edge.errors import BundleError
from export.evaluate.reader.own_pictures import own_pictures
from export.train.dataset import tensors
from export.train.loop import Schedule, load_checkpoint, train
from export.train.radiograph_trainer import RadiographTrainer, load_radiograph
from export.train.structure_trainer import StructureTrainer, load_structure
from export.train.template import fit_prior


@pytest.fixture
def run(source, config, tmp_path):
    schedule = Schedule(steps=1, batch=2, workers=0, mixed_precision=False)
    prior = fit_prior(source, config.landmark_modes)
    train(StructureTrainer(config, prior, source, source, schedule), tmp_path / "run", schedule)
    train(RadiographTrainer(config, tmp_path / "run" / "structure.pt", source, source, schedule), tmp_path / "run",
          schedule)
    return tmp_path / "run"


def test_a_picture_is_what_the_stages_draw_and_its_truth_is_what_they_drew(run, source, tmp_path) -> None:
    told: list[tuple[int, int]] = []
    pictures = own_pictures(run, source, 4, tmp_path / "kept.pt", lambda *at: told.append(at))

    assert told[-1] == (4, 4)
    assert len(pictures) == 4
    stage1 = load_structure(load_checkpoint(run / "structure.pt"))
    stage2 = load_radiograph(load_checkpoint(run / "radiograph.pt"))
    for index, of_source in enumerate((0, 2, 3, 5)):  # evenly spread over six
        batch = {name: value[None] for name, value in tensors(source[of_source], -1, False).items()}
        with torch.no_grad():
            seen = stage1(batch["back_view"], batch["lateral_lift"])
            film = RadiographTrainer.generate(stage2, batch, seen, seen.endplates_mm)[0, 0].numpy()
        sample = pictures[index]
        np.testing.assert_allclose(sample.log_attenuation, film, atol=5e-3)
        np.testing.assert_allclose(sample.endplates_mm, seen.endplates_mm[0].numpy(), atol=1e-2)
        assert np.abs(sample.log_attenuation - source[of_source].log_attenuation).max() > 0.05


def test_kept_pictures_are_taken_up_as_long_as_the_weights_are_the_same(run, source, tmp_path) -> None:
    kept, told = tmp_path / "kept.pt", []
    first = own_pictures(run, source, 3, kept, lambda *at: told.append(at))
    again = own_pictures(run, source, 3, kept, lambda *at: told.append(at))
    assert len(told) == 1
    np.testing.assert_array_equal(first.films, again.films)

    weights = torch.load(run / "structure.pt", weights_only=True)
    torch.save({**weights, "net": {name: value * 0.9 for name, value in weights["net"].items()}}, run / "structure.pt")
    other = own_pictures(run, source, 3, kept, lambda *at: told.append(at))
    assert len(told) == 2
    assert np.abs(other.endplates_mm - first.endplates_mm).max() > 1.0


def test_a_run_without_pictures_is_refused(run, source, tmp_path) -> None:
    (run / "radiograph.pt").unlink()
    with pytest.raises(BundleError):
        own_pictures(run, source, 3, tmp_path / "kept.pt", lambda *_: None)
