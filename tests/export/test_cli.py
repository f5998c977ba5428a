"""The program's table, its light start, and its errors in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import export
from export.cli import SUBCOMMANDS, main
from export.commands.cache_arguments import seed_range


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_help_needs_no_torch(name: str) -> None:
    root = Path(export.__file__).resolve().parent.parent
    code = (
        "import sys\nfrom export.cli import main\n"
        f"try:\n    main([{name!r}, '-h'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


@pytest.mark.parametrize(("argv", "code", "words"), [
    (["train", "structure", "--out", "RUN"], 2, "no end of the training"),
    (["train", "structure", "--out", "RUN", "--steps", "1"], 4, "cannot read the prior"),
    (["fit-template", "--out", "RUN", "--cache", "CACHE"], 2, "no train subjects"),
    (["onnx", "RUN", "--out", "B", "--cache", "CACHE"], 4, "cannot read the checkpoint"),
    (["render", "--cache", "CACHE", "--seeds", "999999:1000001"], 2, "cross two splits"),
])
def test_a_wrong_call_is_one_line_and_its_exit_code(argv, code, words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(argv) == code
    error = capsys.readouterr().err.strip()
    assert words in error
    assert len(error.splitlines()) == 1


def test_a_seed_range_needs_two_ends_in_order() -> None:
    import argparse

    assert seed_range("3:5") == range(3, 5)
    for text in ("3", "5:3", "a:b", "-2:4"):
        with pytest.raises(argparse.ArgumentTypeError):
            seed_range(text)


def test_every_tier_can_be_asked_for_and_has_baselines() -> None:
    from calib.phantom.tiers import TIERS
    from export.evaluate.baselines import shipped_path

    assert {"sensor", "typical", "hard"} < set(TIERS)
    assert all(shipped_path(tier).is_file() for tier in TIERS)
