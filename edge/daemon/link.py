"""What the daemon says to a broker, as a seam: ``edge.sinks.mqtt.link.MqttLink`` with one, nobody without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Link(Protocol):
    """Never blocks and never fails; what cannot be said now is said later or not at all."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self, deadline_s: float) -> bool:
        """End within ``deadline_s``; whether it did."""

    def publish_info(self, info: Mapping[str, Any]) -> None:
        """What the device is, retained."""

    def publish_state(self, state: Mapping[str, Any]) -> None:
        """How it is, retained."""

    def publish_stats(self, stats: Mapping[str, Any]) -> None:
        """Figures for who listens now."""

    def publish_event(self, event: str, **data: Any) -> None:
        """Something happened."""


class NoLink:
    """Results stay on this machine."""

    def start(self) -> None:
        """Nothing."""

    def stop(self, deadline_s: float) -> bool:  # noqa: ARG002 - part of the Protocol
        """Nothing to end."""
        return True

    def publish_info(self, info: Mapping[str, Any]) -> None:
        """Nobody listens."""

    def publish_state(self, state: Mapping[str, Any]) -> None:
        """Nobody listens."""

    def publish_stats(self, stats: Mapping[str, Any]) -> None:
        """Nobody listens."""

    def publish_event(self, event: str, **data: Any) -> None:
        """Nobody listens."""
