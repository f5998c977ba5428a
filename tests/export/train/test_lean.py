"""A leaning expert answers in part as another; nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from edge.errors import BundleError
from export.cli import main
from export.model.config import EXPERTS, ModelConfig
from export.model.structure import StructureNet
from export.train.lean import IDEAL, TYPICAL, leaning_weights
from export.train.loop import load_checkpoint, save_atomic
from export.train.provenance import write_record

SMALL = ModelConfig(structure_blocks=1, landmark_modes=4, width=24, token_width=16, profile_width=8)


def run_folder(folder: Path) -> Path:
    folder.mkdir()
    torch.manual_seed(4)
    net = StructureNet(SMALL)
    torch.nn.init.normal_(net.head.coefficients.weight)
    save_atomic({"config": SMALL.to_json(), "net": net.state_dict()}, folder / "structure.pt")
    write_record(folder, "structure", {"command": "train", "trained_on": "some", "validated_on": "others"})
    return folder


def test_the_typical_expert_answers_in_part_as_the_ideal_one(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    before, after = StructureNet(SMALL), StructureNet(SMALL)
    before.load_state_dict(load_checkpoint(folder / "structure.pt")["net"])
    after.load_state_dict(leaning_weights(folder / "structure.pt", 0.25)["net"])
    for own, other in ((before.head.coefficients, after.head.coefficients),
                       (before.profile.direct, after.profile.direct)):
        features = torch.randn(3, own.weight.shape[1] // len(EXPERTS) - 1)
        alone = {k: own(features, torch.eye(len(EXPERTS))[k].expand(3, -1)) for k in range(len(EXPERTS))}
        for k, answer in alone.items():
            want = 0.75 * answer + 0.25 * alone[IDEAL] if k == TYPICAL else answer
            torch.testing.assert_close(other(features, torch.eye(len(EXPERTS))[k].expand(3, -1)), want)
    for name in ("gate.tell.weight", "profile.enter.0.weight", "head.angle_sd.0.weight"):
        assert torch.equal(before.state_dict()[name], after.state_dict()[name])


def test_the_command_writes_weights_and_where_they_come_from(tmp_path: Path) -> None:
    folder, out = run_folder(tmp_path / "run"), tmp_path / "out"
    assert main(["lean", str(folder), "--share", "0.5", "--out", str(out)]) == 0
    want = leaning_weights(folder / "structure.pt", 0.5)["net"]["profile.coefficients.weight"]
    assert torch.equal(load_checkpoint(out / "structure.pt")["net"]["profile.coefficients.weight"], want)
    record = json.loads((out / "structure_training.json").read_text())
    assert (record["trained_on"], record["trained"]["command"]) == ("some", "train")
    assert main(["lean", str(folder), "--share", "0.5", "--out", str(out)]) == 2


@pytest.mark.parametrize("share", ["-0.1", "1.5"])
def test_a_share_beyond_the_two_is_refused(tmp_path: Path, share: str, capsys) -> None:
    assert main(["lean", str(tmp_path), "--share", share, "--out", str(tmp_path / "out")]) == 2
    assert "expected 0 to 1" in capsys.readouterr().err


def test_weights_without_experts_are_refused(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    weights = load_checkpoint(folder / "structure.pt")
    del weights["net"]["gate.tell.weight"]
    save_atomic(weights, folder / "structure.pt")
    with pytest.raises(BundleError, match="not of this network"):
        leaning_weights(folder / "structure.pt", 0.5)
