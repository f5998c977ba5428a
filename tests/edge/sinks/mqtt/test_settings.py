"""MQTT's part of the configuration refuses what would be unsafe."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from edge.errors import UsageError
from edge.sinks.mqtt.settings import BrokerSettings, MqttSettings, TlsSettings, is_loopback


@pytest.mark.parametrize("host", ["192.168.1.5", "broker.school.example", "0.0.0.0", "::", "10.0.0.1"])
def test_a_broker_on_another_machine_needs_tls(host):
    with pytest.raises(ValidationError, match="not on this machine"):
        MqttSettings(host=host)
    assert MqttSettings(host=host, tls=TlsSettings()).effective_port == 8883


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8", "LOCALHOST"])
def test_this_machine_does_not(host):
    assert is_loopback(host)
    assert MqttSettings(host=host).effective_port == 1883


@pytest.mark.parametrize("wrong", [
    {"hots": "x"}, {"prefix": "a/b"}, {"prefix": "+"}, {"delete_after_receipt": True}, {"password_file": "x"},
    {"remove_after": "receipt", "send": "parts"}, {"back_off_first_s": 60, "back_off_limit_s": 1}, {"in_flight": 0},
    {"tls": {"cert_file": "a"}}, {"max_message_bytes": 10},
])
def test_what_does_not_make_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        MqttSettings.model_validate(wrong)


def test_a_password_comes_from_systemds_credentials_when_it_is_a_bare_name(tmp_path, monkeypatch):
    (tmp_path / "mqtt-password").write_text("s3cret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert BrokerSettings(username="a", password_file="mqtt-password").password() == "s3cret"


def test_a_password_that_is_missing_names_the_file(tmp_path):
    with pytest.raises(UsageError, match="password cannot be read"):
        BrokerSettings(username="a", password_file=tmp_path / "none").password()
