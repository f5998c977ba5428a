from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.load import load_config
from edge.config.models import Config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.toml"


def test_the_default_is_printed_and_is_good(latx_edge, file: Path) -> None:
    code, out, _ = latx_edge("config", "default")
    file.write_text(out)

    assert code == 0
    assert latx_edge("config", "check", file) == (0, f"{file}: good\n", "")


def test_check_lists_every_finding_with_its_line(latx_edge, file: Path) -> None:
    file.write_text("version = 1\n[camera]\nserail = 'x'\n[scan]\nframes = 0\n")

    code, out, err = latx_edge("config", "check", file)

    assert (code, out) == (2, "")
    assert [line.partition(": ")[0] for line in err.splitlines()] == [f"{file}:3", f"{file}:5"]
    assert "did you mean serial?" in err


def test_show_prints_what_holds(latx_edge, file: Path) -> None:
    file.write_text("version = 1\n[scan]\nframes = 5\n")

    code, out, _ = latx_edge("config", "show", file)

    assert code == 0
    assert "frames = 5\n" in out
    assert "hold_s = 1.0\n" in out


def test_migrate_keeps_the_old_file_beside_the_new(latx_edge, file: Path) -> None:
    old = "camera = 'demo:loop'\nframes = 5\n"
    file.write_text(old)
    file.chmod(0o640)

    assert latx_edge("config", "check", file)[1].startswith(f"{file}: good, version 0")
    code, out, _ = latx_edge("config", "migrate", file)

    backup = file.with_name("kiosk.toml.v0")
    assert code == 0
    assert str(backup) in out
    assert backup.read_text() == old
    assert load_config(file).version == 1
    assert load_config(file).config == Config.model_validate({"camera": {"uri": "demo:loop"}, "scan": {"frames": 5}})
    assert latx_edge("config", "migrate", file)[1] == f"{file}: is version 1 already\n"


def test_migrate_overwrites_no_backup(latx_edge, file: Path) -> None:
    file.write_text("frames = 5\n")
    file.with_name("kiosk.toml.v0").write_text("precious")

    code, _, err = latx_edge("config", "migrate", file)

    assert code == 6
    assert "there is a backup already" in err
    assert file.read_text() == "frames = 5\n"


@pytest.mark.parametrize("command", [["config", "show"], ["config", "migrate"], ["run", "--config"]])
def test_a_bad_configuration_is_one_line_and_exit_code_2(latx_edge, file: Path, command: list[str]) -> None:
    file.write_text("version = 1\n[scan]\nframes = 0\n")

    code, out, err = latx_edge(*command, file)

    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(f"latx-edge: error: {file}:3: scan.frames: found 0")
