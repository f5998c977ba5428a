"""A reader's training goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

import torch

from export.evaluate.reader.train import Progress, train_reader


def test_a_kept_training_is_taken_up_again(made_source, tmp_path: Path) -> None:
    films = made_source([5.0, 25.0])
    told: list[Progress] = []

    first = train_reader([films], [films], tmp_path / "reader.ckpt", 0.001, told.append)
    steps = torch.load(tmp_path / "reader.ckpt", weights_only=True)["step"]
    again = train_reader([films], [films], tmp_path / "reader.ckpt", 0.001, told.append)

    assert steps == told[0].step >= 1
    assert len(told) == 1, "its time was over"
    for name, value in first.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=0, rtol=0, msg=name)
