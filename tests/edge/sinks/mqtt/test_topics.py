"""One table of topics: in the code, in the README, in what is sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.sinks.mqtt.commands import VERBS
from edge.sinks.mqtt.topics import TOPICS, Topics, device_of, report_filter

README = Path(__file__).parents[4] / "README.md"


def documented(text):
    """Rows of the README's table of topics: name -> (QoS, retained, sender, payload)."""
    rows = re.findall(r"^\| `([^`]+)` \| ([01]) \| (yes|no) \| (device|host) \| (.+?) \|$", text, re.M)
    return {name: tuple(cells) for name, *cells in rows}


def test_the_readme_shows_the_table_of_the_code():
    table = {name: (str(row.qos), "yes" if row.retain else "no", row.sender, row.payload)
             for name, row in TOPICS.items()}

    assert documented(README.read_text(encoding="utf-8")) == table


def test_the_comparison_can_fail():
    assert documented("| `availability` | 1 | no | device | x |\n") == {"availability": ("1", "no", "device", "x")}


def test_the_readme_names_every_verb():
    text = README.read_text(encoding="utf-8")

    assert dict(re.findall(r"^\| `(\w+)` \| `[^`]*` \| (.+?) \|$", text, re.M)) == {v: r.what for v, r in VERBS.items()}


@pytest.mark.parametrize("device", ["", "a/b", "+", "#", "a b", "é", "a" * 65, "a\n"])
def test_an_identifier_that_is_no_topic_level_is_refused(device):
    with pytest.raises(UsageError, match="topic"):
        Topics("spine", device)


def test_a_receiver_listens_to_all_devices_or_shares_them():
    assert report_filter("spine") == "spine/+/report"
    assert report_filter("spine", "d1", "nurses") == "$share/nurses/spine/d1/report"


@pytest.mark.parametrize(("topic", "device"), [("spine/d1/report", "d1"), ("other/d1/report", None), ("spine", None),
                                               ("spine/a b/report", None), ("", None)])
def test_a_topic_says_whose_it_is(topic, device):
    assert device_of(topic, "spine") == device
