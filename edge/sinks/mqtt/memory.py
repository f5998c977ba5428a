"""A broker inside the process and connections to it: MQTT's behaviour without a network, and told to misbehave.

It has what ours relies on: sessions, retained messages, last wills, wildcards, shared subscriptions, reason codes.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections import deque
from dataclasses import dataclass, field, replace

from edge.sinks.mqtt.publisher import NO_SUBSCRIBER, Disconnected, Granted, Listener, Message


@dataclass
class _Session:
    """What a broker keeps of a client. waiting: not yet acknowledged by it; missed: waiting as it connected."""

    keep: bool
    filters: tuple[str, ...] = ()
    waiting: dict[int, Message] = field(default_factory=dict)
    missed: tuple[Message, ...] = ()
    connection: MemoryPublisher | None = None


class MemoryBroker:
    """Delivers between its connections.

    Args:
        max_bytes: of a payload; told to clients, who are cut off beyond it.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        self.max_bytes = max_bytes
        self.up = True
        self.swallow_acknowledgements = 0
        """So many acknowledgements are lost on their way to the sender."""
        self.refuse_with: str | None = None
        self.log: deque[Message] = deque(maxlen=10_000)
        self.retained: dict[str, Message] = {}
        self._sessions: dict[str, _Session] = {}
        self._turns: dict[str, int] = {}
        self._lock, self._handles = threading.RLock(), itertools.count(1)

    def stop(self, *, forget: bool = False) -> None:
        """Go away like a killed process; ``forget`` loses sessions and retained messages too."""
        with self._lock:
            self.up = False
            for session in self._sessions.values():
                if session.connection is not None:
                    session.connection.cut("the broker went away")
                    session.connection = None
            if forget:
                self._sessions.clear()
                self.retained.clear()

    def start(self) -> None:
        """Come back."""
        self.up = True

    def attach(self, publisher: MemoryPublisher, filters: tuple[str, ...]) -> Granted:
        """A client connects; raises ``Disconnected`` where it may not."""
        with self._lock:
            if not self.up:
                raise Disconnected("cannot reach the broker")
            if self.refuse_with is not None:
                raise Disconnected(f"the broker refuses: {self.refuse_with}")
            old = self._sessions.get(publisher.client_id)
            if old is not None and old.connection is not None:
                old.connection.cut("session taken over")
                if old.connection.will is not None:
                    self.route(old.connection.will)
            resumed = old is not None and old.keep and publisher.keep_session
            session = old if old is not None and resumed else _Session(publisher.keep_session)
            session.filters, session.connection = filters, publisher
            session.missed = tuple(session.waiting.values())  # what comes from now on is delivered as it comes
            self._sessions[publisher.client_id] = session
            return Granted(resumed, self.max_bytes)

    def welcome(self, publisher: MemoryPublisher) -> None:
        """What a client gets after its subscriptions: retained messages, and what its session still holds."""
        with self._lock:
            session = self._sessions[publisher.client_id]
            for message in session.missed:
                publisher.deliver(message)
            plain = tuple(f for f in session.filters if not f.startswith("$share/"))
            for topic, message in self.retained.items():
                if any(matches(f, topic) for f in plain):
                    self._hand(session, message)

    def detach(self, publisher: MemoryPublisher, goodbye: bool) -> None:
        """A client is gone: its will is published unless it said goodbye."""
        with self._lock:
            session = self._sessions.get(publisher.client_id)
            if session is None or session.connection is not publisher:
                return
            session.connection = None
            if not session.keep:
                del self._sessions[publisher.client_id]
            if publisher.will is not None and not goodbye:
                self.route(publisher.will)

    def route(self, message: Message) -> int:
        """Deliver to every subscriber, to one of each shared group; returns the reason code."""
        with self._lock:
            self.log.append(message)
            if message.retain:
                self.retained[message.topic] = message
                if not message.payload:
                    del self.retained[message.topic]
            shared: dict[str, list[_Session]] = {}
            taken = False
            for session in self._sessions.values():
                for topic_filter in session.filters:
                    group, plain = split_share(topic_filter)
                    if not matches(plain, message.topic):
                        continue
                    taken = True
                    if group is None:
                        self._hand(session, message)
                    else:
                        shared.setdefault(topic_filter, []).append(session)
            for topic_filter, members in shared.items():
                present = [m for m in members if m.connection is not None] or members
                turn = self._turns[topic_filter] = self._turns.get(topic_filter, -1) + 1
                self._hand(present[turn % len(present)], message)
            return 0 if taken else NO_SUBSCRIBER

    def took(self, client_id: str, handle: int) -> None:
        """A client has a message for good."""
        with self._lock:
            session = self._sessions.get(client_id)
            if session is not None:
                session.waiting.pop(handle, None)

    def _hand(self, session: _Session, message: Message) -> None:
        copy = replace(message, handle=next(self._handles))
        if copy.qos and (session.keep or session.connection is not None):
            session.waiting[copy.handle] = copy
        if session.connection is not None:
            session.connection.deliver(copy)


class MemoryPublisher:
    """A ``Publisher`` to a ``MemoryBroker``; one thread serves, any thread publishes."""

    def __init__(
        self, broker: MemoryBroker, client_id: str, *, keep_session: bool = False, manual_ack: bool = False
    ) -> None:
        self.client_id, self.keep_session, self._manual_ack = client_id, keep_session, manual_ack
        self.will: Message | None = None
        self._broker, self._tokens = broker, itertools.count(1)
        self._inbox: queue.SimpleQueue[Message | tuple[int, int] | str] | None = None
        self._closed = threading.Event()

    def serve(self, listener: Listener, subscriptions: tuple[str, ...], will: Message | None) -> None:
        """See ``Publisher.serve``."""
        self.will = will
        inbox: queue.SimpleQueue[Message | tuple[int, int] | str] = queue.SimpleQueue()
        granted = self._broker.attach(self, subscriptions)
        self._inbox = inbox
        listener.connected(granted)
        self._broker.welcome(self)
        if self._closed.is_set():
            inbox.put("")
        why: str | None = None
        while why is None:
            happened = inbox.get()
            if isinstance(happened, str):
                why = happened
            elif isinstance(happened, Message):
                listener.received(happened)
                if not self._manual_ack:
                    self._broker.took(self.client_id, happened.handle)
            else:
                listener.acknowledged(*happened)
        self._inbox = None
        self._broker.detach(self, goodbye=not why)
        if why:
            raise Disconnected(why)

    def publish(self, message: Message) -> int:
        """See ``Publisher.publish``."""
        inbox, token = self._inbox, next(self._tokens)
        if inbox is None or not self._broker.up:
            raise Disconnected("there is no connection")
        if self._broker.max_bytes is not None and len(message.payload) > self._broker.max_bytes:
            self.cut("packet too large")
            return token
        code = self._broker.route(message)
        if message.qos and self._broker.swallow_acknowledgements:
            self._broker.swallow_acknowledgements -= 1
        elif message.qos:
            inbox.put((token, code))
        return token

    def acknowledge(self, message: Message) -> None:
        """See ``Publisher.acknowledge``."""
        self._broker.took(self.client_id, message.handle)

    def close(self, grace_s: float) -> None:
        """See ``Publisher.close``."""
        del grace_s  # nothing here can hang
        self._closed.set()
        if self._inbox is not None:
            self._inbox.put("")

    def deliver(self, message: Message) -> None:
        """The broker's side: a message for this client."""
        if self._inbox is not None:
            self._inbox.put(message)

    def cut(self, why: str) -> None:
        """The connection breaks, without a goodbye."""
        if self._inbox is not None:
            self._inbox.put(why)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a filter with ``+`` and ``#`` covers a topic (MQTT 5, 4.7)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(levels) or level not in ("+", levels[at]):
            return False
    return len(wanted) == len(levels)


def split_share(topic_filter: str) -> tuple[str | None, str]:
    """``$share/<group>/<filter>`` as (group, filter); (None, filter) where it is not shared."""
    if not topic_filter.startswith("$share/"):
        return None, topic_filter
    _, group, plain = topic_filter.split("/", 2)
    return group, plain
