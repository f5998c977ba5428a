"""A bare name means the service's own secret: within the service, and for root who tries the broker from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.sinks.mqtt import credentials
from edge.sinks.mqtt.credentials import credential


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The copies that systemd hands over, and root's own files; both hold the password, one alone the key."""
    handed_over, installed = tmp_path / "handed-over", tmp_path / "installed"
    for folder in (handed_over, installed):
        folder.mkdir()
        (folder / "mqtt-password").write_text("s3cret\n")
    (installed / "mqtt-client-key").touch()
    monkeypatch.setattr(credentials, "INSTALLED", installed)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return handed_over, installed


def test_the_service_takes_what_systemd_hands_over(folders, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folders[0]))

    assert credential(Path("mqtt-password")) == folders[0] / "mqtt-password"


def test_outside_the_service_roots_own_file_is_meant(folders):
    assert credential(Path("mqtt-client-key")) == folders[1] / "mqtt-client-key"


@pytest.mark.parametrize("name", ["nurse.pem", "pki/mqtt-password", "/etc/ssl/ca.pem"])
def test_every_other_path_is_taken_as_it_is(folders, name):
    assert credential(Path(name)) == Path(name)
