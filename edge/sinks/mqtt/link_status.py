"""How a device's link to its broker is, at one moment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkStatus:
    """How the link is. problem: why there is no connection, or why reports do not get through; None if all is well.

    connections, delivered, refused_requests: how many since the start.
    """

    connected: bool = False
    problem: str | None = "not started"
    connections: int = 0
    delivered: int = 0
    refused_requests: int = 0
