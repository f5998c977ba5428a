"""Figures for the broker, every few seconds: how fast it goes, how warm it is, what the camera went through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from edge.daemon.loop import Parts

if TYPE_CHECKING:
    from edge.daemon.attention import Attention

EVERY_S: Final = 10.0
MEASURE_S: Final = 1.0
"""Time between two updates of the gauges that follow the machine."""


class Stats:
    """A chore of the loop."""

    def __init__(self, parts: Parts, attention: Attention) -> None:
        self._parts, self._attention = parts, attention
        self._last_s, self._last_frames = parts.clock.monotonic_s(), 0
        self._measured_s = float("-inf")

    def chore(self) -> None:
        """Measure and publish when due."""
        now_s, frames = self._parts.clock.monotonic_s(), self._attention.looked_at
        if now_s - self._measured_s >= MEASURE_S:
            self._measured_s = now_s
            self._measure()
        if now_s - self._last_s < EVERY_S:
            return
        self._parts.link.publish_stats(self._figures((frames - self._last_frames) / (now_s - self._last_s)))
        self._last_s, self._last_frames = now_s, frames

    def _measure(self) -> None:
        metrics, heat, link = self._parts.metrics, self._parts.cooling.heat, self._parts.link.status
        metrics.set("rate_ratio", heat.share)
        metrics.set("broker_connected", link.connected)
        metrics.follow({"over_currents_total": heat.over_currents, "broker_connections_total": link.connections,
                        "reports_delivered_total": link.delivered})
        if heat.celsius is not None:
            metrics.only("temperature_celsius", heat.zone, heat.celsius)

    def _figures(self, frames_per_s: float) -> dict[str, Any]:
        heat, camera = self._parts.cooling.heat, self._parts.camera
        return {
            "frames_per_s": round(frames_per_s, 2),
            "frames": self._attention.looked_at,
            "rate_share": heat.share,
            "temperature_c": heat.celsius,
            "thermal_zone": heat.zone or None,
            "over_current_events": heat.over_currents,
            "camera": {"state": camera.state.kind, **camera.counters},
        }
