"""The seam to a broker: what a connection does for its user, and what it tells him.

One ``serve`` is one connection. Nothing survives it: whoever wants something delivered after a loss publishes it again,
so that no client library's queue is ever the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

NO_SUBSCRIBER: Final = 0x10
"""PUBACK reason of MQTT 5 (3.4.2.1): taken, but nobody subscribes. From 0x80 on it was not taken."""
FAILURE: Final = 0x80


class Disconnected(Exception):
    """There is no connection (any more); the text says why."""


@dataclass(frozen=True)
class Message:
    """A message, out or in. handle: names a received one to ``acknowledge``; 0 on the way out."""

    topic: str
    payload: bytes
    qos: Literal[0, 1] = 1
    retain: bool = False
    content_type: str | None = None
    response_topic: str | None = None
    correlation: bytes | None = None
    properties: tuple[tuple[str, str], ...] = ()
    handle: int = 0


@dataclass(frozen=True)
class Granted:
    """What the broker granted. resumed: it kept this client's session. max_bytes: of a packet, None: no limit told.

    refused: subscriptions that it did not grant.
    """

    resumed: bool
    max_bytes: int | None
    refused: tuple[str, ...] = ()


class Listener(Protocol):
    """Is told what happens on a connection, on the connection's own thread; must return at once."""

    def connected(self, granted: Granted) -> None:
        """Connected, and the subscriptions stand."""

    def received(self, message: Message) -> None:
        """A message on a subscribed topic. It counts as taken when it is given to ``acknowledge``."""

    def acknowledged(self, token: int, code: int) -> None:
        """The broker's answer to what ``publish`` gave ``token``: an MQTT 5 reason code."""


class Publisher(Protocol):
    """A connection to a broker, again and again."""

    def serve(self, listener: Listener, subscriptions: tuple[str, ...], will: Message | None) -> None:
        """Connect, subscribe, and stay until ``close``.

        Raises:
            Disconnected: refused, unreachable or lost.
        """

    def publish(self, message: Message) -> int:
        """Hand one message to the broker; returns the token of its acknowledgement (never told for QoS 0).

        Raises:
            Disconnected: it was not handed over.
        """
        ...

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that a received message needs not be sent again. Harmless without a connection."""

    def close(self, grace_s: float) -> None:
        """End ``serve`` with a proper goodbye (no last will), or after ``grace_s`` without one."""
