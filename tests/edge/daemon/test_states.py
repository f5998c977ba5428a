from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clock import ManualClock
from edge.daemon.commands import REFUSALS, VERB_EVENTS
from edge.daemon.machine import Machine
from edge.daemon.states import EVENTS, INITIAL, STATES, WITH_SUBJECT, next_state

NAMES = ("starting", "no_camera", "idle", "positioning", "holding", "scanning", "result", "degraded", "stopping")


def reachable(start: str) -> set[str]:
    found, new = {start}, {start}
    while new:
        new = {target for state in new for target in STATES[state].leads_to.values()} - found
        found |= new
    return found


def test_the_states_are_exactly_the_nine() -> None:
    assert tuple(STATES) == NAMES


def test_the_table_names_only_states_and_events_that_exist_and_uses_all_of_them() -> None:
    events = {event for row in STATES.values() for event in row.leads_to}
    targets = {target for row in STATES.values() for target in row.leads_to.values()}

    assert events == set(EVENTS)
    assert targets == set(STATES) - {INITIAL}
    assert set(STATES) >= WITH_SUBJECT


def test_every_state_can_be_reached_and_every_living_one_leads_back_to_a_scan() -> None:
    assert reachable(INITIAL) == set(STATES)
    for state in set(STATES) - {"stopping"}:
        assert "scanning" in reachable(state), state


@pytest.mark.parametrize("state", sorted(set(STATES) - {"stopping"}))
def test_every_living_state_can_be_stopped_and_can_lose_its_camera(state: str) -> None:
    assert next_state(state, "stop") == "stopping"
    assert next_state(state, "camera_lost") == "no_camera"


@pytest.mark.parametrize("state", sorted(WITH_SUBJECT | {"idle"}))
def test_what_forbids_scanning_ends_every_attention(state: str) -> None:
    assert next_state(state, "blocked") == "degraded"


def test_a_scan_begins_only_after_holding_still_and_a_result_only_after_a_scan() -> None:
    before = {target: {state for state, row in STATES.items() if target in row.leads_to.values()}
              for target in ("scanning", "result")}  # fmt: skip

    assert before == {"scanning": {"holding"}, "result": {"scanning"}}


def test_stopping_is_the_end() -> None:
    assert {next_state("stopping", event) for event in EVENTS} == {"stopping"}


def test_every_state_either_takes_a_commands_event_or_says_why_not() -> None:
    for verb, event in VERB_EVENTS.items():
        takes = {state for state, row in STATES.items() if event in row.leads_to}
        assert takes.isdisjoint(REFUSALS[verb])
        assert takes | set(REFUSALS[verb]) == set(STATES)


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=40))
def test_whatever_happens_the_machine_moves_along_the_table_and_tells(events: list[str]) -> None:
    moves: list[tuple[str, str, str]] = []
    machine = Machine(ManualClock(), lambda *move: moves.append(move))
    for event in events:
        before = machine.state
        moved = machine.fire(event)
        assert machine.state == STATES[before].leads_to.get(event, before)
        assert moved == (machine.state != before)
        if moved:
            assert moves[-1] == (before, event, machine.state)
    assert sum(machine.entered.values()) == 1 + len(moves)


def test_an_unknown_event_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        next_state("idle", "rain")


def test_time_in_a_state_counts_from_its_beginning() -> None:
    clock = ManualClock()
    machine = Machine(clock)
    clock.advance(3)
    machine.fire("camera_seen")
    clock.advance(2)

    assert machine.for_s == 2


def test_the_readme_lists_the_states_as_they_are() -> None:
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## The kiosk")[2].partition("\n## ")[0]
    table = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.M))

    assert table == {state: row.what for state, row in STATES.items()}
