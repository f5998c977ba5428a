from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge.config.models import Config
from edge.daemon.reload import RELOADABLE, applied, compare


def changed(**sections: object) -> Config:
    return Config.model_validate(sections)


def test_nothing_new_is_unchanged() -> None:
    assert compare(Config(), Config()).verdict == "unchanged"


def test_every_key_says_what_becomes_of_it_and_one_that_needs_a_restart_decides() -> None:
    reload = compare(Config(), changed(scan={"frames": 5}, camera={"serial": "12"}, mqtt={}))

    assert reload.keys["scan.frames"] == "reloaded"
    assert reload.keys["camera.serial"] == "requires_restart"
    assert reload.keys["mqtt"] == reload.keys["mqtt.host"] == "requires_restart"
    assert reload.verdict == "requires_restart"
    assert compare(Config(), changed(scan={"frames": 5})).verdict == "reloaded"


def test_only_the_reloadable_sections_take_effect() -> None:
    new = changed(scan={"frames": 5}, log={"level": "debug"}, camera={"serial": "12"})
    now = applied(Config(), new)

    assert (now.scan, now.log) == (new.scan, new.log)
    assert now.camera == Config().camera
    assert set(Config.model_fields) > RELOADABLE


@pytest.fixture
def edit(kiosk, tmp_path: Path):
    """A kiosk whose configuration file can be rewritten."""
    k = kiosk()
    path = tmp_path / "kiosk.toml"
    k.service._path = path

    def write(text: str) -> None:
        path.write_text("version = 1\n[storage]\nout = '" + str(k.service._scans) + "'\n[health]\nenabled = false\n"
                        "[outbox]\nmin_free_mb = 0.0\n" + text)

    return k, write


def test_a_reload_answers_what_happened_and_what_a_restart_is_needed_for(edit) -> None:
    k, write = edit
    write("")
    assert k.ask("config").data == {"result": "unchanged", "keys": {}}
    write("[scan]\nhold_s = 0.5\n[log]\nlevel = 'debug'\n")
    assert k.ask("config").data["result"] == "reloaded"
    assert k.daemon.attention.config.scan.hold_s == 0.5
    assert logging.getLogger().level == logging.DEBUG
    write("[scan]\nhold_s = 0.5\n[camera]\nserial = '12'\n")
    reply = k.ask("config")

    assert reply.data["result"] == "requires_restart"
    assert reply.data["keys"] == {"camera.serial": "requires_restart", "log.level": "reloaded"}
    assert k.link.info[-1]["restart_required"] == ["camera.serial"]


def test_a_wrong_file_changes_nothing_and_is_named_with_its_line(edit) -> None:
    k, write = edit
    write("[scan]\nhold_s = -1\n")
    reply = k.ask("config")

    assert reply.status == "error"
    assert "scan.hold_s: found -1" in (reply.error or "")
    assert k.daemon.attention.config.scan.hold_s == 1.0


def test_live_mode_follows_its_key_only_where_that_changed(edit) -> None:
    k, write = edit
    k.ask("live", enabled=True)
    write("[scan]\nhold_s = 0.5\n")
    k.ask("config")
    assert k.daemon.attention.live is True
    write("[live]\nenabled = true\n")
    k.ask("config")
    write("[live]\nenabled = false\n")
    k.ask("config")

    assert k.daemon.attention.live is False


def test_a_hang_up_reloads_and_tells_the_service_manager(edit) -> None:
    k, write = edit
    write("[scan]\nhold_s = 0.5\n")
    k.turn()
    k.service._hangup = True
    k.turn()

    assert k.daemon.attention.config.scan.hold_s == 0.5
    assert [sorted(sent) for sent in k.notifier.sent[-2:]] == [["MONOTONIC_USEC", "RELOADING"], ["READY"]]
