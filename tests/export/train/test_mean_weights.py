from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edge.errors import BundleError
from export.cli import main
from export.model.config import EXPERTS, ModelConfig
from export.model.radiograph import RadiographNet
from export.model.structure import StructureNet
from export.train import phantom_source
from export.train.dataset import training_batches
from export.train.loop import load_checkpoint, save_atomic
from export.train.mean_weights import mean_weights, with_own_statistics
from export.train.provenance import write_record
from export.train.structure_trainer import load_structure

SMALL = ModelConfig(structure_blocks=1, landmark_modes=4, width=24, token_width=16, profile_width=8)


def run_folder(folder: Path, seed: int, config: ModelConfig = SMALL) -> Path:
    folder.mkdir()
    torch.manual_seed(seed)
    save_atomic({"config": config.to_json(), "net": StructureNet(config).state_dict()}, folder / "structure.pt")
    write_record(folder, "structure", {"command": f"train {seed}", "trained_on": f"seeds of {seed}",
                                       "validated_on": "others"})
    return folder


def test_every_weight_lies_between_the_two(tmp_path: Path) -> None:
    one, other = (run_folder(tmp_path / str(seed), seed) / "structure.pt" for seed in (1, 2))
    first, second = (load_checkpoint(path)["net"] for path in (one, other))
    mean = mean_weights(one, other, 0.25)["net"]
    assert mean.keys() == first.keys()
    assert any(not torch.equal(first[name], second[name]) for name in mean)
    for name, value in mean.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * first[name] + 0.25 * second[name])
        else:
            assert torch.equal(value, second[name])


def test_what_the_earlier_weights_lacked_is_given_to_them_first(tmp_path: Path) -> None:
    one, other = (run_folder(tmp_path / str(seed), seed) / "structure.pt" for seed in (1, 2))
    file = load_checkpoint(one)
    file["net"] = {name: value for name, value in file["net"].items() if not name.startswith("gate.")}
    file["net"]["head.angle_sd.0.weight"] = file["net"]["head.angle_sd.0.weight"][:, : -len(EXPERTS)]
    save_atomic(file, one)

    tuned, mean = load_checkpoint(other)["net"], mean_weights(one, other, 0.25)["net"]
    torch.testing.assert_close(mean["gate.tell.weight"], tuned["gate.tell.weight"])
    last = mean["head.angle_sd.0.weight"][:, -len(EXPERTS):]
    torch.testing.assert_close(last, 0.25 * tuned["head.angle_sd.0.weight"][:, -len(EXPERTS):])


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    one = run_folder(tmp_path / "one", 1)
    other = run_folder(tmp_path / "other", 2, replace(SMALL, width=30))
    with pytest.raises(BundleError, match="not of the same network"):
        mean_weights(one / "structure.pt", other / "structure.pt", 0.5)


def largest_departure(weights: dict, source) -> float:
    """Of what normalised layers give in evaluation from what they give by the statistics of a batch itself."""
    net = load_structure(weights)
    batch = next(training_batches(source, 32, 1, 0, 0, 0, with_radiograph=False))
    norm, enter = net.back_stem[1], net.back_stem[0]
    with torch.no_grad():
        x = enter(batch["back_view"])
        return float((norm.eval()(x) - norm.train()(x)).abs().max())


def test_averaged_weights_have_statistics_of_their_own(tmp_path: Path, source) -> None:
    one, other = (run_folder(tmp_path / str(seed), seed) / "structure.pt" for seed in (1, 2))
    mean = mean_weights(one, other, 0.5)
    own = with_own_statistics(mean, "structure", other, source, 32)
    assert largest_departure(own, source) < 0.05 < largest_departure(mean, source)
    assert all(torch.equal(value, mean["net"][name]) for name, value in own["net"].items()
               if not name.endswith(("running_mean", "running_var", "num_batches_tracked")))


def test_stage_2_is_measured_behind_the_stage_1_that_it_draws_behind(tmp_path: Path, source) -> None:
    structure = run_folder(tmp_path / "run", 1) / "structure.pt"
    net = RadiographNet(replace(SMALL, radiograph_blocks=1, decoder_width=8))
    weights = {"config": net.config.to_json(), "net": net.state_dict()}
    before = {name: value.clone() for name, value in weights["net"].items()}
    own = with_own_statistics(weights, "radiograph", structure, source, 32)["net"]
    assert not torch.equal(own["encode_2.1.running_mean"], before["encode_2.1.running_mean"])
    assert torch.equal(own["encode_2.0.weight"], before["encode_2.0.weight"])


def test_the_command_writes_a_run_that_says_what_it_was_made_from(
    tmp_path: Path, source, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(phantom_source, "PhantomCache", lambda *_: source)
    one, other = (str(run_folder(tmp_path / str(seed), seed)) for seed in (1, 2))
    out = tmp_path / "mean"
    command = ["average", "structure", one, other, "--subjects", "6", "--share", "0.6", "--out", str(out)]
    assert main(command) == 0
    assert "0.6 of" in capsys.readouterr().out
    record = json.loads((out / "structure_training.json").read_text())
    assert record["trained_on"] == "seeds of 1 + seeds of 2"
    assert record["tuned"]["command"] == "train 2"
    assert load_checkpoint(out / "structure.pt")["config"] == SMALL.to_json()
    assert main(command) == 2  # what is there stays
    assert main([*command[:-3], "1.5", "--out", str(tmp_path / "far")]) == 2
    assert not (tmp_path / "far").exists()
