from __future__ import annotations

import threading

import pytest

from edge.daemon import commands
from edge.daemon.commands import WAITING, CommandDesk
from edge.health.metrics import Metrics
from edge.sinks.mqtt.commands import VERBS, Command, LiveData, Nothing, Reply

CANCEL = Command(verb="cancel", data=Nothing())


def test_a_command_waits_for_the_loops_answer() -> None:
    desk = CommandDesk(Metrics())
    replies: list[Reply] = []
    caller = threading.Thread(target=lambda: replies.append(desk(CANCEL)))
    caller.start()
    waiting = []
    while not waiting:
        waiting = list(desk.take())
    waiting[0].reply.set_result(Reply.ok(done=True))
    caller.join(5)

    assert replies == [Reply.ok(done=True)]


def test_a_command_that_the_loop_does_not_get_to_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ANSWER_WITHIN_S", 0.01)
    desk = CommandDesk(Metrics())

    assert "not carried out" in (desk(CANCEL).error or "")
    assert list(desk.take()) == [], "what was taken back is not carried out later"


def test_no_more_commands_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ANSWER_WITHIN_S", 0.0)
    desk = CommandDesk(Metrics())
    for _ in range(WAITING):
        desk(CANCEL)

    assert desk(CANCEL).error == "too many commands wait already"


def test_what_may_take_long_is_done_on_the_callers_thread() -> None:
    threads = []

    def slow(_: Command) -> Reply:
        threads.append(threading.current_thread())
        return Reply.ok()

    desk = CommandDesk(Metrics(), {"live": slow})
    assert desk(Command(verb="live", data=LiveData(enabled=True))).status == "ok"
    assert threads == [threading.current_thread()]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_an_answer(kiosk, verb: str) -> None:
    data = {"live": {"enabled": True}, "wipe": {"confirm": "wipe"}}.get(verb, {})
    k = kiosk()
    k.turn()
    reply = k.ask(verb, **data)

    assert reply.status == "ok" or reply.error in ("there is no scan to give up", "there is no configuration file")


def test_a_reference_must_match_the_operators_own_pattern(kiosk) -> None:
    k = kiosk(privacy={"subject_ref_pattern": r"[0-9]{4}"})
    k.turn()

    assert k.ask("scan", subject_ref="12345").status == "error"
    assert k.state == "idle"
    assert k.ask("scan", subject_ref="1234").status == "ok"
