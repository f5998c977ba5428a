from __future__ import annotations

import shutil
import types
from dataclasses import replace
from pathlib import Path

import pytest

from edge.config.load import ConfigError, load_config
from edge.doctor import service_checks
from edge.doctor.examined import installed_config
from edge.doctor.running import SHOWN, service_state


def zone(root: Path, index: int, name: str, celsius: float, passive_c: float | None = None) -> None:
    folder = root / f"sys/class/thermal/thermal_zone{index}"
    folder.mkdir(parents=True)
    (folder / "type").write_text(name + "\n")
    (folder / "temp").write_text(f"{round(celsius * 1000)}\n")
    if passive_c is not None:
        (folder / "trip_point_0_type").write_text("passive\n")
        (folder / "trip_point_0_temp").write_text(f"{round(passive_c * 1000)}\n")


@pytest.mark.parametrize(("celsius", "level"), [(45.0, "ok"), (94.0, "warning"), (99.5, "error")])
def test_the_temperature_is_held_against_the_zones_own_limit(make_kiosk, celsius: float, level: str) -> None:
    kiosk = make_kiosk()
    zone(kiosk.root, 0, "tj-thermal", celsius, 99.0)
    zone(kiosk.root, 1, "battery", 120.0)
    finding = service_checks.temperature(kiosk)
    assert finding.level == level
    assert finding.values["zones_c"] == {"tj-thermal": celsius}


def test_want_of_power_is_a_warning(make_kiosk) -> None:
    kiosk = make_kiosk()
    zone(kiosk.root, 0, "tj-thermal", 40.0, 99.0)
    monitor = kiosk.root / "sys/class/hwmon/hwmon0"
    monitor.mkdir(parents=True)
    (monitor / "name").write_text("soctherm_oc\n")
    (monitor / "oc1_event_cnt").write_text("3\n")
    finding = service_checks.temperature(kiosk)
    assert finding.level == "warning"
    assert "power supply" in finding.mend


def test_a_machine_without_sensors_is_no_fault(make_kiosk) -> None:
    assert service_checks.temperature(make_kiosk()).level == "ok"


@pytest.mark.parametrize(("free_gb", "level"), [(50.0, "ok"), (0.7, "warning"), (0.4, "error")])
def test_room_on_the_disk_is_counted_in_scans(
    make_kiosk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_gb: float, level: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=free_gb * 1e9))
    finding = service_checks.disk(make_kiosk(config={"storage": {"out": str(tmp_path / "not" / "yet")}}))
    assert finding.level == level


def test_an_unset_clock_is_a_warning_and_a_flag_of_timesyncd_settles_it(
    make_kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.result.identity._kernel_clock_synced", lambda: False)
    kiosk = make_kiosk()
    assert service_checks.clock(kiosk).level == "warning"
    flag = kiosk.root / "run/systemd/timesync/synchronized"
    flag.parent.mkdir(parents=True)
    flag.touch()
    assert service_checks.clock(kiosk).level == "ok"


def test_a_broker_that_takes_the_connection_is_well(make_kiosk, mosquitto) -> None:
    finding = service_checks.broker(make_kiosk(config={"mqtt": {"port": mosquitto.port}}))
    assert finding.level == "ok", finding


def test_a_broker_that_is_not_there_or_refuses_is_an_error(make_kiosk, make_mosquitto) -> None:
    absent = service_checks.broker(make_kiosk(config={"mqtt": {"port": make_mosquitto().port}}))
    assert absent.level == "error"
    assert "cannot reach" in absent.what
    strict = make_mosquitto("listener PORT 127.0.0.1", "allow_anonymous false").start()
    refused = service_checks.broker(make_kiosk(config={"mqtt": {"port": strict.port}}))
    assert refused.level == "error"
    assert "refuses" in refused.what


def test_a_password_that_cannot_be_read_is_named(make_kiosk) -> None:
    mqtt = {"username": "kiosk", "password_file": "/no/such/file"}
    finding = service_checks.broker(make_kiosk(config={"mqtt": mqtt}))
    assert finding.level == "error"
    assert "password" in finding.what


def test_no_broker_is_no_fault(make_kiosk) -> None:
    assert service_checks.broker(make_kiosk()).level == "ok"


@pytest.fixture
def systemd(make_kiosk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A kiosk under a service manager whose ``systemctl`` answers as it is told."""
    kiosk = make_kiosk()
    (kiosk.root / "run/systemd/system").mkdir(parents=True)

    def answers(text: str):
        tool = tmp_path / "bin" / "systemctl"
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{text}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
        return kiosk

    return answers


@pytest.mark.parametrize(("told", "level", "words"), [
    (("loaded", "active", "running", "success", "0"), "ok", "active"),
    (("loaded", "active", "running", "success", "7"), "warning", "7 restarts"),
    (("loaded", "failed", "failed", "exit-code", "5"), "error", "exit-code"),
    (("not-found", "inactive", "dead", "success", "0"), "ok", "not installed"),
])  # fmt: skip
def test_the_unit_is_asked_how_it_does(systemd, told: tuple[str, ...], level: str, words: str) -> None:
    lines = "\n".join(f"echo {k}={v}" for k, v in zip(SHOWN, told, strict=True))
    finding = service_checks.service(systemd(lines))
    assert (finding.level, words in finding.what) == (level, True), finding


def test_a_service_manager_that_fails_is_as_none(systemd, make_kiosk) -> None:
    assert "no service manager" in service_checks.service(systemd("exit 1")).what
    assert service_state(systemd("echo LoadState=loaded"))["LoadState"] == "loaded"


def test_a_device_is_named_as_its_certificate_has_to_name_it(
    make_kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LATX_DEVICE_ID", raising=False)
    kiosk = make_kiosk()
    assert service_checks.device(kiosk).level == "warning"  # no machine id
    (kiosk.root / "etc").mkdir()
    (kiosk.root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    finding = service_checks.device(kiosk)
    assert finding.level == "ok"
    assert finding.values["device_id"] in finding.what
    monkeypatch.setenv("LATX_DEVICE_ID", "room 4/b")
    assert service_checks.device(kiosk).level == "error"


def test_the_installed_services_results_are_looked_for_in_its_state_directory(make_kiosk) -> None:
    kiosk = make_kiosk()
    installed = replace(kiosk, path=kiosk.root / "etc/latx-edge/config.toml")
    assert installed.scans == kiosk.root / "var/lib/latx-edge/scans"
    assert replace(kiosk, path=Path("mine.toml")).scans == Path("scans")
    assert str(kiosk.root / "var/lib/latx-edge/scans") in service_checks.disk(installed).what


def test_the_installed_configuration_is_taken_where_there_is_one(tmp_path: Path) -> None:
    assert installed_config(tmp_path) is None
    path = tmp_path / "etc/latx-edge/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("version = 1\n")
    assert installed_config(tmp_path) == path


def test_a_configuration_for_root_alone_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", closed)
    assert installed_config(tmp_path) == tmp_path / "etc/latx-edge/config.toml"
    with pytest.raises(ConfigError, match="Permission denied") as refused:
        load_config(tmp_path / "etc/latx-edge/config.toml")
    assert "sudo" in refused.value.line()
