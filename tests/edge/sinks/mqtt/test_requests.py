"""Commands: what gets through is in the table, and nothing else does anything."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.sinks.mqtt.commands import MAX_REQUEST_BYTES, VERBS, Command, Reply
from edge.sinks.mqtt.publisher import Message
from edge.sinks.mqtt.requests import answer
from edge.sinks.mqtt.topics import Topics

TOPICS = Topics("spine", "device-1")
SCAN = "20260102T030405678Z-0123abcd"


class Daemon:
    """Does nothing but remember what reached it."""

    def __init__(self, reply=None):
        self.seen, self._reply = [], reply or Reply.ok(begun=True)

    def __call__(self, command):
        self.seen.append(command)
        if isinstance(self._reply, Exception):
            raise self._reply
        return self._reply


def ask(daemon, verb, payload=b"", **more):
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    reply = answer(Message(TOPICS.request(verb), text, **more), TOPICS, daemon)
    return reply, json.loads(reply.payload)


GOOD = {
    "scan": {"subject_ref": "class-4b.17"},
    "cancel": {},
    "live": {"enabled": True},
    "wipe": {"confirm": "wipe", "scan_id": SCAN},
    "restart": {},
    "config": {},
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_table_reaches_the_daemon_and_is_answered(verb):
    daemon = Daemon()

    reply, body = ask(daemon, verb, {**GOOD[verb], "transaction": "t-1"}, correlation=b"\x01\x02")

    (command,) = daemon.seen
    assert isinstance(command, Command)
    assert (command.verb, command.transaction) == (verb, "t-1")
    assert isinstance(command.data, VERBS[verb].data)
    assert reply.topic == f"spine/device-1/cmd/response/{verb}"
    assert reply.correlation == b"\x01\x02"
    assert (body["status"], body["transaction"], body["data"]) == ("ok", "t-1", {"begun": True})


REFUSED = {
    "a name as reference": ("scan", {"subject_ref": "Anna"}),
    "a reference with a space": ("scan", {"subject_ref": "Anna 1"}),
    "a line end after a reference": ("scan", {"subject_ref": "a1\n"}),
    "an unknown key": ("scan", {"force": True}),
    "a wipe that is not meant": ("wipe", {}),
    "a path as scan": ("wipe", {"confirm": "wipe", "scan_id": "x/" + SCAN}),
    "a number for a truth": ("live", {"enabled": 1}),
    "an unknown verb": ("format", {}),
    "a verb in capitals": ("SCAN", {}),
    "a list": ("cancel", []),
    "a number": ("cancel", 1),
    "no JSON": ("cancel", b"{"),
    "no UTF-8": ("cancel", b"\xff\xfe"),
    "too long": ("cancel", b" " * MAX_REQUEST_BYTES + b"{}"),
    "too deep": ("cancel", b"[" * 4000),
    "a transaction that is a number": ("cancel", {"transaction": 7}),
    "a transaction without end": ("cancel", {"transaction": "t" * 129}),
    "not a number": ("live", b'{"enabled": NaN}'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_table_does_not_allow_is_refused_with_a_reason(case):
    daemon = Daemon()

    _, body = ask(daemon, *REFUSED[case])

    assert daemon.seen == []
    assert body["status"] == "error"
    assert body["error"]


def test_a_retained_request_is_refused(caplog):
    daemon = Daemon()

    _, body = ask(daemon, "wipe", GOOD["wipe"], retain=True)

    assert daemon.seen == []
    assert "retain" in body["error"]


def test_an_empty_payload_is_an_empty_object():
    daemon = Daemon()

    assert ask(daemon, "cancel")[1]["status"] == "ok"
    assert daemon.seen


def test_the_answer_goes_where_it_is_wanted_within_our_own_branch_only():
    own, foreign = "spine/device-1/cmd/response/nurse-7", "spine/device-2/availability"

    assert ask(Daemon(), "cancel", response_topic=own)[0].topic == own
    reply, body = ask(Daemon(), "cancel", response_topic=foreign)
    assert reply.topic == "spine/device-1/cmd/response/cancel"
    assert "must lie below" in body["note"]


def test_a_daemon_that_fails_is_an_answer_and_no_crash():
    _, body = ask(Daemon(RuntimeError("secret 17")), "restart")

    assert body["status"] == "error"
    assert "secret" not in json.dumps(body)


def test_another_topic_is_no_request():
    assert answer(Message("spine/device-1/receipt", b"{}"), TOPICS, Daemon()) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(["subject_ref", "enabled", "confirm", "scan_id", "transaction", "verb", "__class__", "data"])
literals = st.sampled_from(["wipe", SCAN, "ref-1", "Anna", True, False, 0, None, "", "a/b", "a" * 200])
values = literals | json_values
payloads = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    json_values.map(lambda v: json.dumps(v).encode()),
    st.dictionaries(keys, values, max_size=4).map(lambda v: json.dumps(v).encode()),
    st.integers(4000, 9000).map(lambda n: b'{"transaction": "' + b"a" * n + b'"}'),
)
levels = st.one_of(st.sampled_from([*VERBS, "", "+", "#", "scan/extra", "SCAN", "./x", "\x00"]), st.text(max_size=20))
topics = st.one_of(levels.map(lambda v: f"spine/device-1/cmd/request/{v}"), st.text(max_size=40))
responses = st.one_of(st.none(), st.text(max_size=60), levels.map(lambda v: f"spine/device-1/cmd/response/{v}"))


def may_pass(verb, payload):
    """The table once more, written independently: whether a request may reach the daemon."""
    try:
        given = json.loads(payload.decode()) if payload.strip() else {}
    except (ValueError, RecursionError):
        return False
    if not isinstance(given, dict) or len(payload) > MAX_REQUEST_BYTES:
        return False
    transaction = given.pop("transaction", None)
    if transaction is not None and not (isinstance(transaction, str) and len(transaction) <= 128):
        return False
    allowed = {"scan": {"subject_ref"}, "live": {"enabled"}, "wipe": {"confirm", "scan_id", "subject_ref"}}
    if not set(given) <= allowed.get(verb, set()):
        return False
    if verb == "live":
        return given.get("enabled") is True or given.get("enabled") is False
    return verb != "wipe" or given.get("confirm") == "wipe"


def test_hostile_requests_do_nothing_but_what_the_table_says(full):
    @settings(max_examples=10_000 if full else 200, suppress_health_check=list(HealthCheck))
    @given(topics, payloads, st.booleans(), responses, st.none() | st.binary(max_size=400))
    def attack(topic, payload, retain, response, correlation):
        daemon = Daemon()
        message = Message(topic, payload, 1, retain, None, response, correlation)

        reply = answer(message, TOPICS, daemon)

        verb = topic.removeprefix("spine/device-1/cmd/request/")
        if reply is not None:
            assert reply.topic.startswith("spine/device-1/cmd/response/")
            assert not set(reply.topic) & set("+#\x00")
            assert not reply.retain
            assert json.loads(reply.payload)["status"] in ("ok", "error")
        if daemon.seen:
            (command,) = daemon.seen
            assert not retain
            assert command.verb == verb
            assert may_pass(verb, payload)
            subject = getattr(command.data, "subject_ref", None)
            assert subject is None or command.verb == "wipe" or any(c.isdigit() for c in subject)

    attack()


def test_the_attack_gets_some_requests_through():
    """Else the test above would hold for a device that is deaf."""
    assert may_pass("live", b'{"enabled": true}')
    assert not may_pass("live", b'{"enabled": true, "x": 1}')
