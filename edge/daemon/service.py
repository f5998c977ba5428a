"""Puts the daemon together from its configuration, answers signals, and takes it apart again within a bounded time."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from edge import __version__
from edge.camera import supervise
from edge.camera.supervisor import CameraSupervisor
from edge.clock import SYSTEM_CLOCK, Clock
from edge.config.load import load_config
from edge.config.models import Config
from edge.daemon.assembly import configured_bundle, make_link, make_previews, make_server, make_store
from edge.daemon.bounded_end import bound_stop, no_bound
from edge.daemon.commands import CommandDesk
from edge.daemon.cooling import Cooling
from edge.daemon.description import description
from edge.daemon.link import Link
from edge.daemon.live import LiveView
from edge.daemon.loop import Daemon, Parts
from edge.daemon.model_guard import ModelGuard
from edge.daemon.notifier import Notifier, notifier_from
from edge.daemon.reload import applied, compare
from edge.daemon.stats import Stats
from edge.daemon.status import Board
from edge.daemon.thermals import SysfsThermals, Thermals
from edge.errors import LatxError, OutputError
from edge.health.logs import set_level
from edge.health.metrics import Metrics
from edge.privacy.audit import AuditLog
from edge.privacy.wipe import wipe
from edge.runtime.bundle import Bundle
from edge.sinks.mqtt.commands import Command, Reply, WipeData
from edge.sinks.outbox.outbox import Outbox
from edge.sinks.places import audit_path, outbox_path, scans_folder

_log = logging.getLogger(__name__)

LINK_STOP_S: Final = 3.0
SERVER_STOP_S: Final = 1.0

LoadBundle = Callable[[Config], Bundle]


class Service:
    """The daemon with everything around it.

    Args:
        path: file that a reload reads again; None: a reload is refused. camera, notifier, link, thermals: None takes
            what configuration and environment ask for.

    Raises:
        LatxError: the bundle does not load, results cannot be written, or the device's name is no topic level.
    """

    def __init__(self, config: Config, path: Path | None = None, *, camera: CameraSupervisor | None = None,
                 bundle: LoadBundle = configured_bundle, notifier: Notifier | None = None,
                 link: Link | None = None, thermals: Thermals | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self.config, self._path = config, path
        self.notifier = notifier if notifier is not None else notifier_from()
        self.notifier.send(STATUS="loading the model", EXTEND_TIMEOUT_USEC="60000000")
        self.camera = camera if camera is not None else supervise(config.camera, clock)
        self.camera.read(0.0)  # it opens in a thread of its own while the model is loaded
        self.bundle = bundle(config)
        self._scans = scans_folder(config.storage.out)
        self._audit = AuditLog(audit_path(self._scans), clock) if config.privacy.audit else None
        self._outbox = Outbox(outbox_path(self._scans), self._scans, config.outbox, clock) if config.mqtt else None
        metrics = Metrics()
        desk = CommandDesk(metrics, {"wipe": self._wipe})
        self.parts = Parts(
            camera=self.camera, model=ModelGuard(self.bundle, clock),
            store=make_store(config, self._scans, self._outbox, self._audit, metrics, clock),
            cooling=Cooling(config.thermal, thermals or SysfsThermals(config.thermal.zones), clock),
            notifier=self.notifier, link=link or make_link(config, self._outbox, desk, self._audit), desk=desk,
            metrics=metrics, board=Board(), live=LiveView(), clock=clock,
        )  # fmt: skip
        self.daemon = Daemon(config, self.parts, self.reload)
        self.daemon.chores = (self._hear_signal, self.parts.store.chore,
                              Stats(self.parts, self.daemon.attention).chore,
                              *(preview.chore for preview in make_previews(config, self.parts)))
        self.server = make_server(config, self.parts)
        self._hangup = False
        self._bound: Callable[[], None] = no_bound
        self._describe(())

    def run(self) -> int:
        """Warm up, turn, stop. Returns the exit code.

        Raises:
            ServiceError, MissingDependencyError, UsageError, BundleError: it cannot go on.
        """
        reason = "error"
        self._record("started", version=__version__)
        try:
            self.daemon.warm_up()
            self.parts.link.start()
            code = self.daemon.run()
            reason = "asked" if code == 0 else "restart"
            return code
        finally:
            self._bound()
            self._record("stopped", reason=reason)
            self.close()

    def close(self) -> None:
        """Take everything apart, each part within its own deadline."""
        self.notifier.send(STOPPING="1", STATUS="stopping")
        self.parts.link.stop(LINK_STOP_S)
        if self.server is not None:
            self.server.stop(SERVER_STOP_S)
        if not self.camera.close():
            _log.warning("the camera hangs and is left to the end of the process")
        if self._outbox is not None:
            self._outbox.close()
        self.bundle.close()

    def heed_signals(self) -> None:
        """SIGTERM and SIGINT stop, SIGHUP reloads; from now on the process ends in time. On the main thread."""
        self._bound = bound_stop

        def stop(*_: object) -> None:
            self.daemon.stop()
            self._bound()

        def hang_up(*_: object) -> None:
            self._hangup = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGHUP, hang_up)

    def reload(self) -> Reply:
        """Read the configuration again: what can take effect does, what cannot is named; a wrong one is refused."""
        if self._path is None:
            return Reply.refused("there is no configuration file")
        try:
            new = load_config(self._path).config
        except LatxError as error:
            return Reply.refused(error.line())
        change = compare(self.config, new)
        self.config = applied(self.config, new)
        self.daemon.configure(self.config)
        set_level(self.config.log)
        waiting = sorted(key for key, effect in change.keys.items() if effect == "requires_restart")
        self._describe(waiting)
        if change.keys:
            self._record("configured", changed=sorted(change.keys))
        return Reply.ok(result=change.verdict, keys=change.keys)

    def _hear_signal(self) -> None:
        """A chore: what a hang-up asked for, done by the loop."""
        if not self._hangup:
            return
        self._hangup = False
        self.notifier.send(RELOADING="1", MONOTONIC_USEC=str(time.monotonic_ns() // 1000))
        reply = self.reload()
        _log.log(logging.INFO if reply.status == "ok" else logging.ERROR, "reload: %s",
                 reply.error or reply.data["result"])
        self.notifier.send(READY="1")

    def _wipe(self, command: Command) -> Reply:
        """On the thread that heard it: a year of results may take longer to delete than a turn of the loop may last."""
        data = command.data
        assert isinstance(data, WipeData)
        try:
            done = wipe(self._scans, self._outbox, self._audit, reason="command", scan_id=data.scan_id,
                        subject_ref=data.subject_ref)
        except LatxError as error:
            return Reply.refused(error.line())
        finally:
            self.daemon.attention.forget_result()
        return Reply.ok(results=done.results, queued=done.queued)

    def _describe(self, restart_required: Sequence[str]) -> None:
        manifest, runtime = self.bundle.manifest, self.bundle.structure.runtime
        self.parts.metrics.set("info", 1, __version__, f"{manifest.name} {manifest.version}", runtime)
        self.parts.link.publish_info(description(self.bundle, restart_required))

    def _record(self, event: str, **data: Any) -> None:
        """An entry in the audit log; a disk that refuses it stops nothing but scans, which the store sees to."""
        if self._audit is None:
            return
        try:
            self._audit.record(event, **data)
        except OutputError as error:
            _log.error("%s", error.line())
