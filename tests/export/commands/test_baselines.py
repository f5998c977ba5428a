"""``latx-export baselines`` fits on cached training subjects and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from export.cli import main


def test_a_cache_without_training_subjects_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["baselines", "--cache", str(tmp_path), "--out", str(tmp_path / "b.json")])

    assert code == 2
    assert "latx-export render" in capsys.readouterr().err
    assert not (tmp_path / "b.json").exists()


def test_validation_seeds_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baselines", "--cache", str(tmp_path), "--seeds", "100000:100500"]) == 2
    assert "not train seeds" in capsys.readouterr().err
