from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.config.load import MAX_BYTES, ConfigError, load_config, parse_config
from edge.config.models import Config

FILE = Path("kiosk.toml")


def findings(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, FILE)
    return [(f.line, f.key, f"{f.what}; {f.mend}") for f in caught.value.findings]


def test_a_file_without_a_key_is_a_working_kiosk() -> None:
    assert parse_config("version = 1\n", FILE).config == Config()


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("version = 1\n[camera]\nserail = 'x'\n", 3, "camera.serail", "did you mean serial?"),
        ("version = 1\n[scam]\nframes = 3\n", 2, "scam", "did you mean scan?"),
        ("version = 1\n[camera]\nframes = 3\n", 3, "camera.frames", "it belongs into [scan]"),
        ("version = 1\n[log]\nzzz = 3\n", 3, "log.zzz", "known here: level, format"),
        ("version = 1\n\n[scan]\nframes = 'many'\n", 4, "scan.frames", "found 'many'"),
        ("version = 1\n[scan]\nframes = 0\n", 3, "scan.frames", "greater than or equal to 1"),
        ("version = 1\n[scan]\nover_s = nan\n", 3, "scan.over_s", "finite"),
        ("version = 1\n[scan]\nhold_s = 1\nspacing_s = 3.0\n", 2, "scan", "last longer than over_s"),
        ("version = 1\n[camera]\ngravity = 'sideways'\n", 3, "camera.gravity", "found 'sideways'"),
        ("version = 1\n[camera]\nuri = 'usb:0'\n", 3, "camera.uri", "realsense:[SERIAL] or file:PATH"),
        ("version = 1\n[mqtt]\nhost = '10.0.0.7'\n", 2, "mqtt", "give [tls]"),
        ("version = 1\n[health]\nhost = '0.0.0.0'\n", 3, "health.host", "loopback"),
        ("version = 9\n", 1, "version", "this program knows 0 to 1"),
        ("version = true\n", 1, "version", "found True"),
        ("version = 1\n[camera\n", 2, "", "no TOML"),
        ("version = 1\nversion = 1\n", 2, "", "no TOML"),
        ("frames = 999\n", 1, "frames", "less than or equal to 200"),
        ("camera = 'usb:0'\n", 1, "camera", "expected realsense"),
    ],
)
def test_what_is_wrong_is_named_with_line_key_and_mend(text: str, line: int, key: str, says: str) -> None:
    ((found_line, found_key, message),) = findings(text)

    assert (found_line, found_key) == (line, key)
    assert says in message


def test_everything_that_is_wrong_is_found_in_the_order_of_the_file() -> None:
    found = findings("version = 1\n[scan]\nframes = 0\nauto = 7\n[camera]\nserail = 'x'\n")

    assert [(line, key) for line, key, _ in found] == [(3, "scan.frames"), (4, "scan.auto"), (6, "camera.serail")]


def test_the_one_line_of_a_program_names_the_first_and_where_to_see_the_rest() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("version = 1\n[scan]\nframes = 0\nauto = 7\n", FILE)

    assert caught.value.line().startswith("kiosk.toml:3: scan.frames: found 0")
    assert "1 more: latx-edge config check kiosk.toml" in caught.value.line()
    assert caught.value.exit_code == 2


def test_none_switches_off_what_may_be_absent_and_nothing_else() -> None:
    assert parse_config('version = 1\n[privacy]\nretention_days = "none"\n', FILE).config.privacy.retention_days is None
    assert findings('version = 1\n[scan]\nframes = "none"\n')[0][1] == "scan.frames"


def test_windows_line_ends_count_as_one(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"version = 1\r\n[scan]\r\nframes = 0\r\n")

    with pytest.raises(ConfigError, match=r"c\.toml:3"):
        load_config(path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: None, "cannot be read: No such file"),
        (lambda p: p.mkdir(), "no file"),
        (lambda p: os.mkfifo(p), "no file"),
        (lambda p: p.write_bytes(b"version = 1\n\xff\xfe"), "not UTF-8"),
        (lambda p: p.write_bytes(b"#" * (MAX_BYTES + 1)), "longer than"),
        (lambda p: p.write_bytes(b"x = " + b"[" * 20_000), "no TOML|nested too deeply"),
        (lambda p: p.write_bytes(b"x = " + b"9" * 20_000), "too long|unknown key"),
        (lambda p: p.write_bytes(b"\0"), "no TOML"),
    ],
)
def test_a_file_that_is_no_configuration_is_said_to_be_none(tmp_path: Path, make, says: str) -> None:
    path = tmp_path / "c.toml"
    make(path)

    with pytest.raises(ConfigError, match=says) as caught:
        load_config(path)
    assert str(path) in caught.value.line()
