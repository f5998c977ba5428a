from __future__ import annotations

from pathlib import Path

from edge.config.load import parse_config
from edge.config.migrations import STEPS, migrate
from edge.config.models import CURRENT_VERSION, Config

FLAT = "camera = 'demo:loop'\nbundle = '/opt/bundle'\nthreads = 2\nframes = 5\nout = '/var/x'\n"


def test_there_is_a_step_from_every_older_version() -> None:
    assert sorted(STEPS) == list(range(CURRENT_VERSION))


def test_the_flat_layout_moves_into_sections() -> None:
    loaded = parse_config(FLAT, Path("old.toml"))

    assert loaded.version == 0
    assert loaded.config.camera.uri == "demo:loop"
    assert loaded.config.model.bundle == Path("/opt/bundle")
    assert (loaded.config.model.threads, loaded.config.scan.frames) == (2, 5)
    assert loaded.config.storage.out == Path("/var/x")


def test_a_section_of_the_new_form_stays_and_the_data_given_is_left_alone() -> None:
    data = {"camera": {"uri": "demo"}, "frames": 3}

    new, origin = migrate(data, 0)

    assert new == {"version": 1, "camera": {"uri": "demo"}, "scan": {"frames": 3}}
    assert origin == {("scan", "frames"): ("frames",)}
    assert data == {"camera": {"uri": "demo"}, "frames": 3}


def test_an_old_key_that_would_hide_a_new_one_stays_to_be_refused() -> None:
    new, _ = migrate({"frames": 3, "scan": {"frames": 4}}, 0)

    assert new["frames"] == 3
    assert new["scan"] == {"frames": 4}


def test_an_empty_file_of_no_version_is_the_default() -> None:
    assert parse_config("", Path("empty.toml")).config == Config()
