"""Every figure that the daemon keeps, as one table, in Prometheus' own format. Nothing in it tells of a subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily

from edge.camera.supervisor import COUNTERS

PREFIX: Final = "latx_edge"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True)
class Metric:
    """One row: kind, meaning, labels."""

    kind: Literal["counter", "gauge", "histogram"]
    what: str
    labels: tuple[str, ...] = ()


METRICS: Final[dict[str, Metric]] = {
    "info": Metric("gauge", "Always 1; versions as labels.", ("version", "model", "runtime")),
    "ready": Metric("gauge", "1 once the model is warm."),
    "state": Metric("gauge", "1 for the state that the device is in.", ("state",)),
    "state_entered_total": Metric("counter", "Times that a state was entered.", ("state",)),
    "condition": Metric("gauge", "1 while something is wrong, by its key.", ("condition",)),
    "frames_total": Metric("counter", "Frames looked at: measured, passed (gates only) or refused.", ("outcome",)),
    "refusals_total": Metric("counter", "Frames refused, by the gate's reason.", ("reason",)),
    "frame_seconds": Metric("histogram", "Time that one frame took, from the camera's hand to its outcome."),
    "step_seconds": Metric("histogram", "Time that a step of a measured frame took.", ("step",)),
    "scans_total": Metric("counter", "Scans: stored, refused, not_stored or given_up.", ("outcome",)),
    "model_failures_total": Metric("counter", "Times that the model failed."),
    "commands_total": Metric("counter", "Commands carried out or refused.", ("verb", "status")),
    "rate_share": Metric("gauge", "Share of the full rate that the temperature allows."),
    "temperature_celsius": Metric("gauge", "The zone that is nearest to its limit.", ("zone",)),
    "over_current_events": Metric("gauge", "Times that the board throttled for want of power since it started."),
    "disk_free_bytes": Metric("gauge", "Free space where results lie."),
    "outbox_reports": Metric("gauge", "Reports that wait for delivery."),
    "outbox_bytes": Metric("gauge", "Their size."),
    "broker_connected": Metric("gauge", "1 while a broker is connected."),
    "clock_synced": Metric("gauge", "1 while the host's clock is synchronised."),
}
"""By name without the prefix. The camera's own are those of ``edge.camera.supervisor.COUNTERS``, as ``camera_*``."""

_KINDS: Final = {"counter": Counter, "gauge": Gauge}


class Metrics:
    """The table at work. Every method may be called from any thread."""

    def __init__(self) -> None:
        disable_created_metrics()  # a second series per counter that nobody asks for
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._camera: Mapping[str, int] = {}
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        for name, row in METRICS.items():
            full = f"{PREFIX}_{name}"
            if row.kind == "histogram":
                self._made[name] = Histogram(full, row.what, row.labels, registry=self.registry, buckets=_SECONDS)
            else:
                self._made[name] = _KINDS[row.kind](full, row.what, row.labels, registry=self.registry)
        self.registry.register(self)

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        made = self._labelled(name, labels)
        assert isinstance(made, Counter)
        made.inc(by)

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge."""
        made = self._labelled(name, labels)
        assert isinstance(made, Gauge)
        made.set(value)

    def only(self, name: str, label: str, value: float = 1) -> None:
        """Set a gauge for one label and drop all others of it."""
        made = self._made[name]
        assert isinstance(made, Gauge)
        made.clear()
        made.labels(label).set(value)

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Add to a histogram."""
        made = self._labelled(name, labels)
        assert isinstance(made, Histogram)
        made.observe(seconds)

    def follow_camera(self, counters: Mapping[str, int]) -> None:
        """Take the camera's counters from where they are kept, at every scrape."""
        self._camera = counters

    def collect(self) -> list[CounterMetricFamily]:
        """The camera's counters, for the registry."""
        return [CounterMetricFamily(f"{PREFIX}_camera_{name.removesuffix('_total')}", what, self._camera.get(name, 0))
                for name, what in COUNTERS.items()]

    def text(self) -> bytes:
        """Everything, as ``/metrics`` serves it."""
        return generate_latest(self.registry)

    def _labelled(self, name: str, labels: tuple[str, ...]) -> Counter | Gauge | Histogram:
        made = self._made[name]
        return made.labels(*labels) if labels else made
