"""The daemon's one loop: take a frame, look at it, move the state machine, tell everybody. Nothing here waits for long.

The watchdog is pinged at the end of a turn and nowhere else: a turn that stalls, wherever it does, is noticed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from edge.clock import SYSTEM_CLOCK, Clock
from edge.config.models import Config
from edge.daemon.attention import Attention
from edge.daemon.commands import CommandDesk, Waiting, refusal
from edge.daemon.conditions import Holding, health_event, holding
from edge.daemon.cooling import Cooling
from edge.daemon.link import Link
from edge.daemon.live import LiveView
from edge.daemon.machine import Machine
from edge.daemon.model_guard import ModelGuard
from edge.daemon.notifier import Notifier
from edge.daemon.states import WITH_SUBJECT
from edge.daemon.status import Board, Status
from edge.daemon.store import Store
from edge.errors import LatxError, ServiceError
from edge.frame import Frame
from edge.health.metrics import Metrics
from edge.sinks.mqtt.commands import Command, LiveData, Reply, ScanData

if TYPE_CHECKING:
    from edge.camera.supervisor import CameraSupervisor

_log = logging.getLogger(__name__)

READ_S: Final = 0.25
"""Longest wait for a frame within one turn: commands and signals are answered as fast."""
CAMERA_GRACE_S: Final = 1.5
"""After the warm-up, a camera that has not delivered yet is waited for before it counts as missing."""


@dataclass(frozen=True)
class Parts:
    """Everything that the loop works with."""

    camera: CameraSupervisor
    model: ModelGuard
    store: Store
    cooling: Cooling
    notifier: Notifier
    link: Link
    desk: CommandDesk
    metrics: Metrics
    board: Board
    live: LiveView
    clock: Clock = SYSTEM_CLOCK


class Daemon:
    """One kiosk.

    Args:
        reload: reads the configuration again and says what became of it. chores: called once a turn; each knows
            itself when it is due. read_s: longest wait for a frame; tests poll with 0.
    """

    def __init__(self, config: Config, parts: Parts, reload: Callable[[], Reply] | None = None,
                 chores: tuple[Callable[[], object], ...] = (), read_s: float = READ_S) -> None:
        self.parts, self._reload, self.chores, self._read_s = parts, reload, chores, read_s
        self.machine = Machine(parts.clock, self._moved)
        self.attention = Attention(config, parts, self.machine)
        self._ready = False
        self._warm_s = self._due_s = parts.clock.monotonic_s()
        self._camera_failures = 0
        self._conditions: tuple[Holding, ...] = ()
        self.exit_code: int | None = None
        parts.metrics.follow(parts.camera.counters, "camera_")
        self._moved("", "", self.machine.state)

    def configure(self, config: Config) -> None:
        """Let new values of the reloadable sections take effect."""
        self.attention.configure(config)
        self.parts.cooling.settings = config.thermal

    def warm_up(self) -> None:
        """Run the model once, so that the first subject does not wait for it.

        Raises:
            BundleError: the model fails.
        """
        self.parts.notifier.send(STATUS="warming up", EXTEND_TIMEOUT_USEC="60000000")
        self.parts.model.warm_up()
        self._warm_s = self.parts.clock.monotonic_s()

    def run(self) -> int:
        """Turn until asked to stop. Returns the exit code.

        Raises:
            ServiceError, MissingDependencyError, UsageError: the camera or the model failed for good.
        """
        try:
            while self.exit_code is None:
                self.turn()
            return self.exit_code
        finally:
            self.machine.fire("stop")
            self._tell()

    def stop(self, exit_code: int = 0) -> None:
        """End after the present turn. Safe in a signal handler."""
        self.exit_code = exit_code if self.exit_code is None else self.exit_code

    def turn(self) -> None:
        """One turn of the loop."""
        parts = self.parts
        for waiting in parts.desk.take():
            self._obey(waiting)
        frame = self._read()
        self._note_camera()
        self._note_conditions()
        if frame is not None and self._attentive():
            started = time.perf_counter()
            if self.attention.look_at(frame):
                parts.metrics.observe("frame_duration_seconds", time.perf_counter() - started)
        self.attention.keep_time()
        for chore in self.chores:
            chore()
        self._tell()
        parts.board.beat(parts.clock.monotonic_s())
        parts.notifier.alive()

    def _attentive(self) -> bool:
        blocked = health_event(self._conditions) == "blocked"
        return not blocked and self.machine.state not in ("starting", "no_camera", "stopping")

    def _read(self) -> Frame | None:
        """The newest frame, not sooner than the rate allows."""
        clock, hz = self.parts.clock, self.attention.config.live.max_hz * self.parts.cooling.tick().share
        ahead_s = self._due_s - clock.monotonic_s()
        clock.sleep(min(ahead_s, self._read_s))
        if ahead_s > self._read_s:
            return None
        frame = self.parts.camera.read(self._read_s)
        if frame is not None:
            self._due_s = max(self._due_s, clock.monotonic_s() - 1 / hz) + 1 / hz
        return frame

    def _note_camera(self) -> None:
        camera = self.parts.camera
        failures, self._camera_failures = self._camera_failures, camera.counters["failures_total"]
        if camera.state.kind == "lost" or failures != self._camera_failures:
            self._lose_camera()
        missing = self.machine.state == "no_camera"
        if camera.state.kind in ("streaming", "degraded"):
            if self.machine.fire("camera_seen") and missing:
                self.parts.link.publish_event("camera_back")
        elif self.machine.state == "starting" and self.parts.clock.monotonic_s() - self._warm_s >= CAMERA_GRACE_S:
            self._lose_camera()
        if not self._ready and self.machine.state != "starting":
            self._ready = True
            self.parts.notifier.send(READY="1", STATUS=self.machine.state)
            self.parts.metrics.set("ready", 1)
            _log.info("ready")

    def _lose_camera(self) -> None:
        if self.machine.fire("camera_lost"):
            state = self.parts.camera.state
            self.parts.link.publish_event("camera_lost", reason=state.reason or state.kind)
        self.attention.forget_frames()

    def _note_conditions(self) -> None:
        parts, heat, state = self.parts, self.parts.cooling.heat, self.parts.camera.state
        found: dict[str, str | None] = {}
        if state.kind in ("streaming", "degraded") and parts.camera.info is not None:
            found |= dict.fromkeys(parts.camera.info.degraded, "")
        if state.kind == "degraded":
            found[state.reason] = ""
        found["no_room"] = parts.store.refusal()
        found["model_failing"] = parts.model.failure()
        warm = f"{heat.celsius:.0f} degrees at {heat.zone}" if heat.celsius is not None else "over-current"
        found["overheated"] = warm if heat.paused else None
        found["warm"] = f"{warm}, {heat.share:.0%} of the full rate" if heat.level else None
        before, self._conditions = self._conditions, holding(found)
        if [held.key for held in before] != [held.key for held in self._conditions]:
            self._conditions_changed(before)
        self.machine.fire(health_event(self._conditions))

    def _conditions_changed(self, before: tuple[Holding, ...]) -> None:
        old, new = {held.key for held in before}, {held.key for held in self._conditions}
        for held in self._conditions:
            if held.key not in old:
                _log.warning("%s (%s); %s", held.line(), held.key, held.row.advice)
                self.parts.link.publish_event("condition", key=held.key, what=held.line())
                self.parts.metrics.set("condition", 1, held.key)
        for key in sorted(old - new):
            _log.info("no longer: %s", key)
            self.parts.link.publish_event("condition_over", key=key)
            self.parts.metrics.set("condition", 0, key)

    def _obey(self, waiting: Waiting) -> None:
        try:
            reply = self._carried_out(waiting.command)
        except LatxError as error:
            reply = Reply.refused(error.line())
        waiting.reply.set_result(reply)

    def _carried_out(self, command: Command) -> Reply:
        why_not = refusal(command.verb, self.machine, self.parts.board.status)
        if why_not is not None:
            return Reply.refused(why_not)
        data = command.data
        if isinstance(data, ScanData):
            return self.attention.request(data.subject_ref)
        if isinstance(data, LiveData):
            self.attention.live = data.enabled
            return Reply.ok(enabled=data.enabled)
        if command.verb == "cancel":
            self.machine.fire("cancel")
            return Reply.ok(state=self.machine.state)
        if command.verb == "restart":
            self.stop(ServiceError.exit_code)
            return Reply.ok()
        return self._reload() if self._reload is not None else Reply.refused("there is no configuration file")

    def _moved(self, old: str, event: str, new: str) -> None:
        metrics = self.parts.metrics
        metrics.only("state", new)
        metrics.count("state_entered_total", new)
        _log.log(logging.DEBUG if new in WITH_SUBJECT else logging.INFO, "state %s%s", new,
                 f" after {event} in {old}" if old else "")
        if old:
            self.attention.moved(old, event, new)

    def _tell(self) -> None:
        """Post the status; tell broker and service manager when something of theirs is new."""
        before, camera = self.parts.board.status, self.parts.camera.state
        status = replace(self.attention.status(Status(
            state=self.machine.state, ready=self._ready, conditions=self._conditions, camera=camera.kind,
            camera_reason=camera.reason,
        )))  # fmt: skip
        if not self.parts.board.post(status):
            return
        if status.public() != before.public() or status.ready != before.ready:
            self.parts.link.publish_state(status.public())
        if status.state != before.state:
            self.parts.notifier.send(STATUS=status.state)
