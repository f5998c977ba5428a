"""What the installer lays down and takes away, without a system to do it to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.config.load import load_config

FOLDER = Path(__file__).parents[2] / "systemd"
INSTALLED = {
    "etc/systemd/system/latx-edge.service",
    "etc/systemd/system/latx-edge-engine.service",
    "etc/sysusers.d/latx-edge.conf",
    "etc/tmpfiles.d/latx-edge.conf",
    "etc/udev/rules.d/60-latx-edge.rules",
    "etc/latx-edge/config.toml",
    "usr/local/lib/latx-edge/build_engines.py",
}


def install(destdir: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) | ({"DESTDIR": str(destdir)} if destdir else {})
    return subprocess.run([str(FOLDER / "install.sh"), *arguments], env=environment, capture_output=True, text=True,
                          timeout=60, check=False)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def test_a_staged_installation_holds_every_file_of_the_folder(tmp_path: Path) -> None:
    done = install(tmp_path)

    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == INSTALLED
    laid_down = {(tmp_path / name).read_text() for name in INSTALLED}
    assert laid_down == {path.read_text() for path in FOLDER.iterdir() if path.is_file() and path.name != "install.sh"}


def test_a_second_installation_changes_nothing_and_keeps_the_configuration(tmp_path: Path) -> None:
    install(tmp_path)
    config = tmp_path / "etc/latx-edge/config.toml"
    config.write_text('version = 1\n[camera]\nuri = "demo:loop"\n')

    done = install(tmp_path)

    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == INSTALLED
    assert "demo:loop" in config.read_text()


def test_the_units_follow_another_prefix(tmp_path: Path) -> None:
    install(tmp_path, "--prefix", "/srv/latx")

    for name in INSTALLED:
        assert "/opt/latx-edge" not in (tmp_path / name).read_text(), name
    assert "ExecStart=/srv/latx/bin/latx-edge run" in (tmp_path / "etc/systemd/system/latx-edge.service").read_text()


def test_uninstalling_leaves_the_configuration_and_nothing_else(tmp_path: Path) -> None:
    install(tmp_path)

    done = install(tmp_path, "--uninstall")

    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == {"etc/latx-edge/config.toml"}


def test_purging_leaves_nothing(tmp_path: Path) -> None:
    install(tmp_path)

    assert install(tmp_path, "--uninstall", "--purge").returncode == 0
    assert files(tmp_path) == set()


def test_a_dry_run_names_every_step_and_takes_none(tmp_path: Path) -> None:
    done = install(tmp_path, "--dry-run")

    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == set()
    for name in INSTALLED:
        assert f"{tmp_path}/{name}" in done.stdout


def test_a_dry_run_on_the_system_itself_needs_no_root_and_says_how_the_program_is_installed() -> None:
    done = install(None, "--dry-run", "--prefix", "/nowhere/latx", "--python", "python3", "--extras", "none")

    assert done.returncode == 0, done.stderr
    *steps, end = done.stdout.splitlines()
    assert all(line.startswith("would run: ") for line in steps)
    assert end.startswith("nothing was done")
    for step in ("-m venv /nowhere/latx", "pip install", "systemd-sysusers", "config check", "restart latx-edge"):
        assert step in done.stdout


@pytest.mark.parametrize("arguments", [["--purge"], ["--frobnicate"], ["--prefix", "relative"], ["--source"]])
def test_wrong_usage_is_exit_code_2_and_one_reason(tmp_path: Path, arguments: list[str]) -> None:
    done = install(tmp_path, *arguments)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("install.sh: ")
    assert files(tmp_path) == set()


def test_every_shell_script_is_clean(tracked_scripts: list[Path]) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")

    done = subprocess.run(["shellcheck", *map(str, tracked_scripts)], capture_output=True, text=True, check=False)

    assert len(tracked_scripts) >= 4
    assert done.returncode == 0, done.stdout


def test_the_shell_check_can_fail(tmp_path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    script = tmp_path / "careless.sh"
    script.write_text("#!/bin/sh\nrm -rf $1/*\n")

    assert subprocess.run(["shellcheck", str(script)], capture_output=True, check=False).returncode != 0


def test_the_shipped_configuration_is_good_and_so_is_its_example_of_a_broker(tmp_path: Path) -> None:
    shipped = (FOLDER / "config.toml").read_text()
    active = re.sub(r"^# (?=\[mqtt|\w+ = )", "", shipped, flags=re.M)
    (tmp_path / "config.toml").write_text(active)

    here, with_broker = load_config(FOLDER / "config.toml").config, load_config(tmp_path / "config.toml").config

    assert here.mqtt is None
    assert with_broker.mqtt is not None
    assert with_broker.mqtt.tls is not None
    unit = (FOLDER / "latx-edge.service").read_text()
    assert f"LoadCredential={with_broker.mqtt.password_file}:/etc/latx-edge/credentials/" in unit
    assert f"LoadCredential={Path(str(with_broker.mqtt.tls.key_file)).name}:/etc/latx-edge/credentials/" in unit


def test_secrets_are_roots_alone_and_every_one_that_the_daemon_is_given_exists_after_the_installation() -> None:
    loaded = re.findall(r"^LoadCredential=\S+?:(\S+)$", (FOLDER / "latx-edge.service").read_text(), re.M)
    made = [line.split() for line in (FOLDER / "tmpfiles.conf").read_text().splitlines() if line.startswith("f ")]

    assert {line[1] for line in made} == set(loaded)
    assert {(line[2], line[3], line[4]) for line in made} == {("0600", "root", "root")}


def test_cameras_are_open_to_the_daemons_group_alone() -> None:
    rules = (FOLDER / "udev.rules").read_text()

    assert set(re.findall(r"MODE(\W*=)\"(\d+)\"", rules)) == {(":=", "0660")}
    assert set(re.findall(r"GROUP(\W*=)\"([\w-]+)\"", rules)) == {(":=", "latx-edge")}
    assert "0666" not in re.sub(r"^#.*$", "", rules, flags=re.M)
