"""What the daemon says to a broker, as a seam: ``edge.sinks.mqtt.link.MqttLink`` with one, nobody without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from edge.sinks.mqtt.link_status import LinkStatus


class Link(Protocol):
    """Never blocks and never fails; what cannot be said now is said later or not at all."""

    @property
    def status(self) -> LinkStatus:
        """How it is, at this moment."""
        ...

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

    def publish_preview(self, picture: bytes, angles_deg: Mapping[str, float]) -> None:
        """A JPEG of what live mode shows, for who looks now."""

    def publish_event(self, event: str, **data: Any) -> None:
        """Something happened."""


class NoLink:
    """Results stay on this machine."""

    @property
    def status(self) -> LinkStatus:
        """There is none, and nothing wrong with that."""
        return LinkStatus(problem=None)

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

    def publish_preview(self, picture: bytes, angles_deg: Mapping[str, float]) -> None:
        """Nobody looks."""

    def publish_event(self, event: str, **data: Any) -> None:
        """Nobody listens."""
