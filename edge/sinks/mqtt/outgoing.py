"""What a device says beside its reports: the latest of what is retained, a bounded number of events, replies, figures.

Retained topics keep only their newest value; events wait for the broker, the oldest giving way; replies, figures and
the preview are for those who listen now and are dropped without a connection.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from edge.sinks.mqtt.publisher import Disconnected, Message

MAX_EVENTS: Final = 200
MAX_REPLIES: Final = 64
_WINDOW: Final = 8  # unacknowledged at once, so that nothing gathers in a client library


class Outgoing:
    """Filled by any thread, emptied by the one that owns the connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._retained: OrderedDict[str, Message] = OrderedDict()
        self._to_retain: OrderedDict[str, Message] = OrderedDict()
        self._events: deque[Message] = deque()
        self._passing: deque[Message] = deque(maxlen=MAX_REPLIES)
        self._newest: dict[str, Message] = {}
        self._unacknowledged: dict[int, Message] = {}
        self._online = False
        self.dropped_events = 0

    def retain(self, message: Message) -> None:
        """Say it now and after every connect, until another message for its topic replaces it."""
        with self._lock:
            self._retained[message.topic] = self._to_retain[message.topic] = message

    def event(self, message: Message) -> None:
        """Say it once, later if there is no connection."""
        with self._lock:
            if len(self._events) >= MAX_EVENTS:
                self._events.popleft()
                self.dropped_events += 1
            self._events.append(message)

    def passing(self, message: Message) -> None:
        """Say it now or never."""
        with self._lock:
            if self._online:
                self._passing.append(message)

    def newest(self, message: Message) -> None:
        """Say it now, after everything else, or never: another one for its topic takes its place."""
        with self._lock:
            if self._online:
                self._newest[message.topic] = message

    def connected(self, last: Message) -> None:
        """A new connection: everything retained is said again, then ``last``."""
        with self._lock:
            self._online = True
            self._to_retain = OrderedDict(self._retained)
            self._to_retain[last.topic] = last

    def lost(self) -> None:
        """The connection is gone; events whose acknowledgement is missing will be said again."""
        with self._lock:
            again = [m for m in self._unacknowledged.values() if not m.retain and m.properties == _EVENT]
            self._unacknowledged.clear()
            self._passing.clear()
            self._newest.clear()
            self._events.extendleft(reversed(again))
            self._online = False

    def acknowledged(self, token: int) -> bool:
        """The broker has one. Returns whether it was one of these."""
        with self._lock:
            return self._unacknowledged.pop(token, None) is not None

    def settled(self) -> bool:
        """Whether nothing is left to say or to be acknowledged."""
        with self._lock:
            return not (self._to_retain or self._events or self._passing or self._unacknowledged)

    def flush(self, publish: Callable[[Message], int]) -> None:
        """Hand over as much as may be unacknowledged at once.

        Raises:
            Disconnected: from ``publish``; the message stays here.
        """
        while True:
            with self._lock:
                message = self._next() if self._online else None
            if message is None:
                return
            try:
                token = publish(message)
            except Disconnected:
                if message.properties == _EVENT:
                    self.event(message)
                raise
            if message.qos:
                with self._lock:
                    self._unacknowledged[token] = message

    def _next(self) -> Message | None:
        if len(self._unacknowledged) >= _WINDOW:
            return None
        if self._to_retain:
            return self._to_retain.popitem(last=False)[1]
        if self._passing:
            return self._passing.popleft()
        if self._events:
            return self._events.popleft()
        return self._newest.pop(next(iter(self._newest))) if self._newest else None


_EVENT: Final = (("kind", "event"),)
"""User property that events carry, and by which they are told from replies here."""


def event_message(topic: str, payload: bytes) -> Message:
    """An event as a message."""
    return Message(topic, payload, content_type="application/json", properties=_EVENT)
