from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edge.errors import BundleError
from export.cli import main
from export.model.config import ModelConfig
from export.model.structure import StructureNet
from export.train.loop import load_checkpoint, save_atomic
from export.train.mean_weights import mean_weights
from export.train.provenance import write_record

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


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    one = run_folder(tmp_path / "one", 1)
    other = run_folder(tmp_path / "other", 2, replace(SMALL, width=30))
    with pytest.raises(BundleError, match="not of the same network"):
        mean_weights(one / "structure.pt", other / "structure.pt", 0.5)


def test_the_command_writes_a_run_that_says_what_it_was_made_from(tmp_path: Path, capsys) -> None:
    one, other = (str(run_folder(tmp_path / str(seed), seed)) for seed in (1, 2))
    out = tmp_path / "mean"
    command = ["average", "structure", one, other, "--share", "0.6", "--out", str(out)]
    assert main(command) == 0
    assert "0.6 of" in capsys.readouterr().out
    record = json.loads((out / "structure_training.json").read_text())
    assert record["trained_on"] == "seeds of 1 + seeds of 2"
    assert record["tuned"]["command"] == "train 2"
    assert load_checkpoint(out / "structure.pt")["config"] == SMALL.to_json()
    assert main(command) == 2  # what is there stays
    assert main([*command[:-3], "1.5", "--out", str(tmp_path / "far")]) == 2
    assert not (tmp_path / "far").exists()
