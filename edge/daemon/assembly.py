"""From the configuration to the parts of the daemon that take more than a line to make: model, store, link, probes."""

from __future__ import annotations

import logging
from pathlib import Path

from edge.clock import Clock
from edge.config.models import Config
from edge.daemon.commands import CommandDesk
from edge.daemon.link import Link, NoLink
from edge.daemon.loop import Parts
from edge.daemon.preview import Preview
from edge.daemon.store import Store, disk_room
from edge.errors import OutputError
from edge.health.metrics import Metrics
from edge.health.server import LocalServer, health_routes
from edge.page.routes import page_routes
from edge.privacy.audit import AuditLog
from edge.privacy.retention import Retention
from edge.result.identity import device_id
from edge.runtime.bundle import Bundle, load_bundle
from edge.runtime.runtimes import PRECISIONS
from edge.sinks.disk import DiskSink
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.outbox.sink import QueuedSink

_log = logging.getLogger(__name__)


def configured_bundle(config: Config) -> Bundle:
    """The model bundle that the configuration names."""
    model = config.model
    return load_bundle(model.bundle, model.threads, model.runtime, PRECISIONS[model.precision])


def make_store(config: Config, scans: Path, outbox: Outbox | None, audit: AuditLog | None, metrics: Metrics,
               clock: Clock) -> Store:
    """Where results go: the disk, and the queue where there is a broker to deliver to.

    Raises:
        OutputError: results cannot be written.
    """
    disk = DiskSink(scans, audit)
    retention = Retention(scans, config.privacy, outbox, audit, clock)
    if outbox is None:
        return Store(scans, disk, disk_room(scans, config.outbox.min_free_mb), clock, metrics, retention=retention)
    return Store(scans, QueuedSink(disk, outbox), outbox.refusal, clock, metrics, outbox=outbox, retention=retention)


def make_link(config: Config, outbox: Outbox | None, desk: CommandDesk, audit: AuditLog | None) -> Link:
    """The link to the broker, where one is configured."""
    if config.mqtt is None or outbox is None:
        return NoLink()
    from edge.sinks.mqtt.link import MqttLink

    return MqttLink(config.mqtt, device_id(), outbox, desk, audit=audit)


def make_previews(config: Config, parts: Parts) -> tuple[Preview, ...]:
    """The one that the configuration asks for, or none."""
    if config.mqtt is None or config.mqtt.preview_hz == 0:
        return ()
    return (Preview(parts.live, parts.link, config.mqtt.preview_hz, config.mqtt.preview_max_bytes, parts.clock),)


def make_server(config: Config, parts: Parts) -> LocalServer | None:
    """Probes, metrics and the screen; a kiosk whose port is taken scans all the same."""
    if not config.health.enabled:
        return None
    routes = health_routes(parts.board, parts.metrics, parts.clock)
    if config.health.page:
        routes |= page_routes(parts.board, parts.live)
    try:
        return LocalServer(config.health, routes)
    except OutputError as error:
        _log.error("%s", error.line())
        return None
