"""Every figure that the daemon keeps, as one table, in Prometheus' own format. Nothing in it tells of a subject.

Names follow https://prometheus.io/docs/practices/naming/: base units, ``_total`` for what only grows, ``_ratio`` for
shares; label values that are known are there from the start, so that a rate sees the first event too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
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
from edge.daemon.conditions import CONDITIONS
from edge.daemon.states import STATES
from edge.sinks.mqtt.commands import VERBS
from edge.view.gates import REASONS

PREFIX: Final = "latx_edge"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True)
class Metric:
    """One row: kind, meaning, labels, and those values of the labels that are known beforehand.

    kept: "elsewhere" for a counter that another part counts and that is followed.
    """

    kind: Literal["counter", "gauge", "histogram"]
    what: str
    labels: tuple[str, ...] = ()
    known: tuple[tuple[str, ...], ...] = ()
    kept: Literal["here", "elsewhere"] = "here"


def _each(*values: str) -> tuple[tuple[str, ...], ...]:
    return tuple((value,) for value in values)


METRICS: Final[dict[str, Metric]] = {
    "info": Metric("gauge", "Always 1; versions as labels.", ("version", "model", "runtime")),
    "ready": Metric("gauge", "1 once the model is warm."),
    "state": Metric("gauge", "1 for the state that the device is in, 0 for all others.", ("state",), _each(*STATES)),
    "state_entered_total": Metric("counter", "Times that a state was entered.", ("state",), _each(*STATES)),
    "condition": Metric("gauge", "1 while something is wrong, by its key.", ("condition",), _each(*CONDITIONS)),
    "frames_total": Metric("counter", "Frames looked at: measured, passed (gates only) or refused.", ("outcome",),
                           _each("measured", "passed", "refused")),
    "refusals_total": Metric("counter", "Frames refused, by the gate's reason.", ("reason",), _each(*REASONS)),
    "frame_duration_seconds": Metric("histogram", "Time that one frame took, from the camera's hand to its outcome."),
    "step_duration_seconds": Metric("histogram", "Time that a step of a measured frame took.", ("step",)),
    "scans_total": Metric("counter", "Scans: stored, refused, not_stored or given_up.", ("outcome",),
                          _each("stored", "refused", "not_stored", "given_up")),
    "model_failures_total": Metric("counter", "Times that the model failed."),
    "commands_total": Metric("counter", "Commands carried out (ok) or refused (error).", ("verb", "status"),
                             tuple(product(VERBS, ("ok", "error")))),
    "rate_ratio": Metric("gauge", "Share of the full rate that the temperature allows, 0 to 1."),
    "temperature_celsius": Metric("gauge", "The zone that is nearest to its limit.", ("zone",)),
    "over_currents_total": Metric("counter", "Times that the board throttled for want of power since it was switched "
                                             "on.", kept="elsewhere"),
    "disk_free_bytes": Metric("gauge", "Free space where results lie."),
    "outbox_reports": Metric("gauge", "Reports that wait for delivery."),
    "outbox_bytes": Metric("gauge", "Their size."),
    "outbox_oldest_seconds": Metric("gauge", "How long the oldest of them has waited."),
    "reports_delivered_total": Metric("counter", "Reports that left the outbox because they arrived.",
                                      kept="elsewhere"),
    "broker_connected": Metric("gauge", "1 while a broker is connected."),
    "broker_connections_total": Metric("counter", "Times that a broker was connected to.", kept="elsewhere"),
    "clock_synced": Metric("gauge", "1 while the host's clock is synchronised."),
} | {f"camera_{name}": Metric("counter", what, kept="elsewhere") for name, what in COUNTERS.items()}
"""By name without the prefix."""

_KINDS: Final = {"counter": Counter, "gauge": Gauge}


class Metrics:
    """The table at work. Every method may be called from any thread."""

    def __init__(self) -> None:
        disable_created_metrics()  # a second series per counter that nobody asks for
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._followed: dict[str, tuple[Mapping[str, int], str]] = {}
        self._made = {name: self._make(name, row) for name, row in METRICS.items() if row.kept == "here"}
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
        """Set a gauge for one label; the others of it are 0 where they are known, else they are dropped."""
        made = self._made[name]
        assert isinstance(made, Gauge)
        known = METRICS[name].known
        if not known:
            made.clear()
        made.labels(label).set(value)
        for (other,) in known:
            if other != label:
                made.labels(other).set(0)

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Add to a histogram."""
        made = self._labelled(name, labels)
        assert isinstance(made, Histogram)
        made.observe(seconds)

    def follow(self, counters: Mapping[str, int], prefix: str = "") -> None:
        """Take counters, named as their rows are without ``prefix``, from where they are kept, at every scrape."""
        self._followed |= {prefix + name: (counters, name) for name in counters}

    def collect(self) -> list[CounterMetricFamily]:
        """What is kept elsewhere, for the registry."""
        return [CounterMetricFamily(f"{PREFIX}_{name.removesuffix('_total')}", row.what, self._elsewhere(name))
                for name, row in METRICS.items() if row.kept == "elsewhere"]

    def text(self) -> bytes:
        """Everything, as ``/metrics`` serves it."""
        return generate_latest(self.registry)

    def _labelled(self, name: str, labels: tuple[str, ...]) -> Counter | Gauge | Histogram:
        made = self._made[name]
        return made.labels(*labels) if labels else made

    def _elsewhere(self, name: str) -> int:
        counters, key = self._followed.get(name, ({}, ""))
        return counters.get(key, 0)

    def _make(self, name: str, row: Metric) -> Counter | Gauge | Histogram:
        full = f"{PREFIX}_{name}"
        made: Counter | Gauge | Histogram
        if row.kind == "histogram":
            made = Histogram(full, row.what, row.labels, registry=self.registry, buckets=_SECONDS)
        else:
            made = _KINDS[row.kind](full, row.what, row.labels, registry=self.registry)
        for labels in row.known:
            made.labels(*labels)
        return made
