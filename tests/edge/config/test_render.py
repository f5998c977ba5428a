from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.load import parse_config
from edge.config.models import Config
from edge.config.render import WIDTH, annotated, effective, toml
from edge.privacy.settings import PrivacySettings
from edge.sinks.mqtt.settings import DiscoverySettings, MqttSettings, TlsSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path("x.toml")
TLS = TlsSettings(ca_file=Path('/etc/a "b"\\c.pem'))
FULL = Config(
    mqtt=MqttSettings(host="broker.example", tls=TLS, discovery=DiscoverySettings()),
    privacy=PrivacySettings(retention_days=None),
)
VALUES = st.one_of(
    st.text(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=5), max_size=3),
)  # fmt: skip


@pytest.mark.parametrize("config", [Config(), FULL], ids=["default", "full"])
def test_what_is_written_is_read_back_the_same(config: Config) -> None:
    assert parse_config(effective(config), FILE).config == config
    assert parse_config(annotated(config), FILE).config == config


def test_every_default_that_is_shown_can_be_uncommented() -> None:
    """Keys are told from explanations by the space after the #."""
    text = re.sub(r"(?m)^#(?=[^ ])", "", annotated())

    config = parse_config(text, FILE).config

    assert config.mqtt is not None
    assert config.model_copy(update={"mqtt": None}) == Config()


def test_every_key_is_explained_in_lines_that_can_be_read() -> None:
    text = annotated()

    assert max(map(len, text.splitlines())) <= WIDTH
    assert "# Good frames that are fused into one result.\n#frames = 12\n" in text
    assert 'One of "text", "json".' in text


@given(VALUES)
def test_any_value_survives(value: object) -> None:
    assert tomllib.loads(f"k = {toml(value)}")["k"] == value
