"""The device's link to its broker: what the daemon holds. It never blocks the daemon and never gives up by itself.

Three threads: one keeps a connection, one moves messages, one carries out commands. What must not be lost waits in the
outbox, not here.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import LatxError
from edge.privacy.audit import AuditLog
from edge.privacy.wipe import delete_result
from edge.sinks.mqtt.commands import Command, Reply
from edge.sinks.mqtt.delivery import Delivery
from edge.sinks.mqtt.discovery import birth_topic
from edge.sinks.mqtt.keep_connected import keep_connected
from edge.sinks.mqtt.link_status import LinkStatus
from edge.sinks.mqtt.outgoing import Outgoing
from edge.sinks.mqtt.publisher import Disconnected, Granted, Message, Publisher
from edge.sinks.mqtt.receipt import Receipt, read_receipt
from edge.sinks.mqtt.requests import answer
from edge.sinks.mqtt.settings import MqttSettings
from edge.sinks.mqtt.topics import OFFLINE, ONLINE, Topics
from edge.sinks.mqtt.voice import Voice
from edge.sinks.outbox.outbox import Outbox

_LOG: Final = logging.getLogger(__name__)
_MAX_REQUESTS: Final = 16  # waiting to be carried out; more are dropped
_MAX_RECEIPTS: Final = 1000
_SWEEP_S: Final = 600.0  # between two looks for reports past their age
_TICK_S: Final = 1.0


@dataclass(frozen=True)
class _Lost:
    """The connection ended; why: None after a goodbye."""

    why: str | None


class MqttLink:
    """Says what the device has to say, delivers its outbox, hears commands.

    Args:
        device_id: as in its results (``edge.result.identity.device_id``); receivers compare them.
        on_command: carries out a command and returns at once with what was done or begun. Called on a thread of the
            link, one command at a time.
        publisher: the connection; None makes one with paho.
        audit: gets every delivery and every command.

    Raises:
        UsageError: the device's identifier cannot be part of a topic. OutputError: the outbox cannot be read.
    """

    def __init__(
        self,
        settings: MqttSettings,
        device_id: str,
        outbox: Outbox,
        on_command: Callable[[Command], Reply],
        *,
        publisher: Publisher | None = None,
        clock: Clock = SYSTEM_CLOCK,
        audit: AuditLog | None = None,
    ) -> None:
        self._settings, self._outbox, self._on_command = settings, outbox, on_command
        self._topics, self._clock, self._audit = Topics(settings.prefix, device_id), clock, audit
        self._publisher = publisher if publisher is not None else self._paho(device_id)
        self._outgoing = Outgoing()
        self._delivery = Delivery(outbox, self._topics, settings, clock, self._settled)
        self._wake = threading.Condition()
        self._inbox: deque[Granted | tuple[int, int] | _Lost] = deque()
        self._receipts: deque[Receipt] = deque(maxlen=_MAX_RECEIPTS)
        self._requests: queue.Queue[Message | None] = queue.Queue(_MAX_REQUESTS)
        self._stopping, self._news = threading.Event(), False
        self._status, self._max_bytes = LinkStatus(), cast("int | None", None)
        self._threads: list[threading.Thread] = []
        self._backlog = outbox.backlog()  # looked at by the link's own thread from now on: a disk may be slow
        self._voice = Voice(self._topics, self._outgoing, lambda: self._backlog, clock, settings.discovery)
        self._voice.info({})
        self._voice.announce()

    @property
    def status(self) -> LinkStatus:
        """How the link is, at this moment."""
        status = self._status
        return replace(status, problem=status.problem or self._delivery.problem)

    def start(self) -> None:
        """Begin; returns at once, broker or not."""
        self._outbox.on_change(self._notify)
        for name, work in (("connection", self._connect), ("messages", self._pump), ("commands", self._obey)):
            thread = threading.Thread(target=work, name=f"mqtt-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, deadline_s: float) -> bool:
        """Say goodbye and end within ``deadline_s``; what is not delivered stays in the outbox. Returns whether every
        thread ended in time.
        """
        until = self._clock.monotonic_s() + deadline_s
        if self._stopping.is_set():
            return not any(thread.is_alive() for thread in self._threads)
        if self._status.connected:
            self._outgoing.retain(self._voice.availability(OFFLINE))
            self._notify()
            with self._wake:
                self._wake.wait_for(lambda: not self._status.connected or self._outgoing.settled(), deadline_s / 2)
        self._stopping.set()
        self._notify()
        if self._requests.empty():
            self._requests.put(None)
        self._publisher.close(deadline_s / 4)
        for thread in self._threads:
            thread.join(max(0.05, until - self._clock.monotonic_s()))
        self._status = replace(self._status, connected=False, problem="stopped")
        return not any(thread.is_alive() for thread in self._threads)

    def publish_info(self, info: Mapping[str, Any]) -> None:
        """Replace the retained ``info``: versions, model, whether a restart is required."""
        self._voice.info(info)
        self._notify()

    def publish_state(self, state: Mapping[str, Any]) -> None:
        """Replace the retained ``state``. The key ``state`` names the device's state."""
        self._voice.state(state)
        self._notify()

    def publish_stats(self, stats: Mapping[str, Any]) -> None:
        """Figures for those who listen now; what waits in the outbox is added."""
        self._voice.stats(stats)
        self._notify()

    def publish_preview(self, picture: bytes, angles_deg: Mapping[str, float]) -> None:
        """A JPEG of live mode's newest radiograph for those who look now; a newer one takes its place."""
        self._voice.preview(picture, angles_deg)
        self._notify()

    def publish_event(self, event: str, **data: Any) -> None:
        """Something happened; kept for a while without a broker. Never give it an identifier of a person."""
        self._voice.event(event, data)
        self._notify()

    # What the connection tells (Listener), on its thread

    def connected(self, granted: Granted) -> None:
        """See ``Listener``."""
        if granted.refused:
            _LOG.warning("The broker does not let this device listen to %d of its topics", len(granted.refused))
        self._tell(granted)

    def received(self, message: Message) -> None:
        """See ``Listener``."""
        if message.topic == self._topics.name("receipt"):
            receipt = None if message.retain else read_receipt(message.payload)
            if receipt is not None:
                self._receipts.append(receipt)
                self._notify()
            return
        discovery = self._settings.discovery
        if discovery is not None and message.topic == birth_topic(discovery.prefix):
            if message.payload == ONLINE:
                self._voice.announce()
                self._notify()
            return
        try:
            self._requests.put_nowait(message)
        except queue.Full:
            self._status = replace(self._status, refused_requests=self._status.refused_requests + 1)

    def acknowledged(self, token: int, code: int) -> None:
        """See ``Listener``."""
        self._tell((token, code))

    # Threads

    def _connect(self) -> None:
        topics, discovery = self._topics.subscriptions, self._settings.discovery
        if discovery is not None:
            topics = (*topics, birth_topic(discovery.prefix))
        keep_connected(self._publisher, self, topics, self._voice.availability(OFFLINE), self._settings,
                       stopping=self._stopping, clock=self._clock, ended=self._ended)

    def _ended(self, failure: Disconnected | LatxError | None) -> None:
        # What is wrong with a password or a certificate may be mended meanwhile: the link tries on.
        self._tell(_Lost(failure.line() if isinstance(failure, LatxError) else str(failure) if failure else None))

    def _pump(self) -> None:
        sweep_at = look_at = 0.0
        while not self._stopping.is_set():
            with self._wake:
                due_s = self._delivery.next_due_s()
                if not self._news:
                    self._wake.wait(min(_TICK_S, _TICK_S if due_s is None else due_s + 0.01))
                self._news = False
            try:
                self._hear()
                if self._status.connected:
                    self._outgoing.flush(self._publisher.publish)
                    self._delivery.fill(self._publisher.publish, self._max_bytes)
                now = self._clock.monotonic_s()
                if now >= look_at:
                    look_at, self._backlog = now + _TICK_S, self._outbox.backlog()
                if now >= sweep_at:
                    sweep_at = now + _SWEEP_S
                    self._expire()
            except Disconnected:
                self._stopping.wait(0.05)  # the connection's own thread will say so
            except LatxError as error:
                _LOG.error("Delivery: %s", error.line())
                self._stopping.wait(_TICK_S)
            except Exception:  # a bug must not end deliveries for a school year
                _LOG.exception("Delivery failed in an unforeseen way and goes on")
                self._delivery.lost()
                self._stopping.wait(_TICK_S)
            with self._wake:
                self._wake.notify_all()

    def _obey(self) -> None:
        while True:
            message = self._requests.get()
            if message is None or self._stopping.is_set():
                return
            reply = answer(message, self._topics, self._obeyed)
            if reply is not None:
                self._outgoing.passing(reply)
                self._notify()

    # Parts of them

    def _hear(self) -> None:
        while self._inbox:
            told = self._inbox.popleft()
            if isinstance(told, _Lost):
                self._outgoing.lost()
                self._delivery.lost()
                if told.why is not None and told.why != self._status.problem:
                    _LOG.warning("MQTT: %s", told.why)
                self._status = replace(self._status, connected=False, problem=told.why)
            elif isinstance(told, Granted):
                self._max_bytes = told.max_bytes
                self._outgoing.connected(self._voice.availability(ONLINE))
                self._status = replace(self._status, connected=True, problem=None,
                                       connections=self._status.connections + 1)
                _LOG.info("MQTT: connected")
            elif not self._outgoing.acknowledged(told[0]):
                self._delivery.acknowledged(*told)
        while self._receipts:
            self._delivery.receipt(self._receipts.popleft())

    def _expire(self) -> None:
        gone = self._outbox.expire()
        if gone:
            _LOG.warning("%d reports waited too long and are no longer sent", len(gone))
            self.publish_event("reports_expired", count=len(gone))
            if self._audit is not None:
                for scan_id in gone:
                    self._audit.record("report_expired", scan_id=scan_id)

    def _settled(self, scan_id: str, why: str) -> None:
        self._status = replace(self._status, delivered=self._status.delivered + (why != "gone"))
        if self._audit is not None and why != "gone":
            self._audit.record("report_delivered", scan_id=scan_id, by=why)
        may_go = why == "receipt" and self._settings.delete_after_receipt
        if may_go and delete_result(self._outbox.scans, scan_id) and self._audit is not None:
            self._audit.record("result_deleted", scan_id=scan_id, reason="receipt")

    def _obeyed(self, command: Command) -> Reply:
        reply = self._on_command(command)
        if self._audit is not None:
            self._audit.record("command", verb=command.verb, status=reply.status)
        return reply

    def _tell(self, told: Granted | tuple[int, int] | _Lost) -> None:
        self._inbox.append(told)
        self._notify()

    def _notify(self) -> None:
        with self._wake:
            self._news = True
            self._wake.notify_all()

    def _paho(self, device_id: str) -> Publisher:
        from edge.sinks.mqtt.paho_publisher import PahoPublisher

        return PahoPublisher(self._settings, self._settings.client_id or f"latx-edge-{device_id}")
