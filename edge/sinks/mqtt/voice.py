"""The device's own words: info, state, figures, preview, events, availability, discovery, as messages of its topics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from edge import __version__
from edge.clock import Clock
from edge.sinks.mqtt.commands import VERBS
from edge.sinks.mqtt.discovery import discovery_messages
from edge.sinks.mqtt.outgoing import Outgoing, event_message
from edge.sinks.mqtt.payload import stamped
from edge.sinks.mqtt.publisher import Message
from edge.sinks.mqtt.settings import DiscoverySettings
from edge.sinks.mqtt.topics import TOPICS, Topics
from edge.sinks.outbox.outbox import Backlog


class Voice:
    """Puts into ``outgoing`` what the daemon has to say. See ``MqttLink`` for what each word is.

    Args:
        backlog: what waits in the outbox, answered without waiting for a disk.
    """

    def __init__(self, topics: Topics, outgoing: Outgoing, backlog: Callable[[], Backlog], clock: Clock,
                 discovery: DiscoverySettings | None) -> None:
        self._topics, self._outgoing, self._backlog, self._clock = topics, outgoing, backlog, clock
        self._discovery = discovery

    def info(self, info: Mapping[str, Any]) -> None:
        """What the device is."""
        base = {"device": self._topics.device_id, "version": __version__, "verbs": sorted(VERBS)}
        self._outgoing.retain(self._message("info", {**base, **info}))

    def state(self, state: Mapping[str, Any]) -> None:
        """What it does."""
        self._outgoing.retain(self._message("state", state))

    def stats(self, stats: Mapping[str, Any]) -> None:
        """How much of it, with what waits in the outbox."""
        backlog = self._backlog()
        waiting = {"reports": backlog.reports, "bytes": backlog.bytes, "oldest_s": round(backlog.oldest_s, 1)}
        self._outgoing.passing(self._message("stats", {**stats, "outbox": waiting}))

    def preview(self, picture: bytes, angles_deg: Mapping[str, float]) -> None:
        """What live mode sees."""
        row = TOPICS["preview"]
        angles = tuple((f"{name}_deg", f"{value:.1f}") for name, value in angles_deg.items() if math.isfinite(value))
        self._outgoing.newest(Message(self._topics.name("preview"), picture, row.qos, row.retain, "image/jpeg",
                                      properties=angles))

    def event(self, event: str, data: Mapping[str, Any]) -> None:
        """What has happened."""
        payload = stamped({"event": event, **data}, self._clock.now_ns())
        self._outgoing.event(event_message(self._topics.name("event"), payload))

    def announce(self) -> None:
        """For Home Assistant, where it is configured: which entities there are."""
        if self._discovery is not None:
            for message in discovery_messages(self._topics, self._discovery.prefix, __version__):
                self._outgoing.retain(message)

    def availability(self, payload: bytes) -> Message:
        """Whether it can be reached: also the last will."""
        row = TOPICS["availability"]
        return Message(self._topics.name("availability"), payload, row.qos, row.retain)

    def _message(self, row: str, values: Mapping[str, Any]) -> Message:
        payload = stamped(values, self._clock.now_ns())
        return Message(self._topics.name(row), payload, TOPICS[row].qos, TOPICS[row].retain, "application/json")
