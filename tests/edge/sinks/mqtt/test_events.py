"""One table of events: in the code, in the README, in what is sent."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from edge.sinks.mqtt.events import EVENTS

REPOSITORY = Path(__file__).parents[4]


def sent(source: str) -> set[tuple[str, tuple[str, ...]]]:
    """Every call of ``publish_event``: the event's name and what it carries."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {
        (call.args[0].value, tuple(keyword.arg or "**" for keyword in call.keywords))
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "publish_event"
        and isinstance(call.args[0], ast.Constant)
    }  # fmt: skip


def test_what_is_sent_is_the_table() -> None:
    found = set().union(*(sent(path.read_text()) for path in (REPOSITORY / "edge").rglob("*.py")))

    assert found == {(name, row.carries) for name, row in EVENTS.items()}


def test_the_search_sees_a_call_that_the_table_lacks() -> None:
    assert sent("self.link.publish_event('fire', where=1)") == {("fire", ("where",))}


def test_the_readme_names_every_event_with_what_it_carries() -> None:
    text = " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    listed = re.search(r"Events: (.+?)\. ", text)

    assert listed
    shown = {name: tuple(re.findall(r"`(\w+)`", carried or "")) for name, carried in
             re.findall(r"`(\w+)`(?: \(([^)]*)\))?(?:, |$)", listed[1])}
    assert shown == {name: row.carries for name, row in EVENTS.items()}
