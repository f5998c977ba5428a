"""The receiver: one report message after the other from the broker to the disk, each answered with a receipt.

The order is what makes it safe: the folder is on the disk, then the receipt goes out, and only then does the broker
hear that the message was taken. A receiver that dies in between gets the message again and says "duplicate".
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.clock import SYSTEM_CLOCK, Clock
from edge.errors import LatxError, ServiceError
from edge.privacy.audit import AuditLog
from edge.receive.store import ReportStore
from edge.result.models import Result
from edge.sinks.mqtt.keep_connected import keep_connected
from edge.sinks.mqtt.publisher import Disconnected, Granted, Message, Publisher
from edge.sinks.mqtt.receipt import Receipt
from edge.sinks.mqtt.report_message import ReportError, scan_id_of, unpack
from edge.sinks.mqtt.settings import BrokerSettings
from edge.sinks.mqtt.topics import TOPICS, Topics, device_of

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """What became of one report message. status: "stored", "duplicate" or "refused"; result: None where refused."""

    status: str
    device_id: str
    scan_id: str | None
    result: Result | None = None
    error: str | None = None


class Receiver:
    """Takes reports off a broker into a store, until it is stopped.

    Args:
        publisher: a connection with a session that the broker keeps, which is told by hand what was taken.
        filters: what to subscribe to (``edge.sinks.mqtt.topics.report_filter``).
        name: of this receiver, in its receipts.
        tell: called with each arrival, on the thread of ``run``.
        give_up_s: without a broker for this long ``run`` fails; None: never.
    """

    def __init__(
        self,
        publisher: Publisher,
        store: ReportStore,
        settings: BrokerSettings,
        filters: tuple[str, ...],
        name: str,
        *,
        tell: Callable[[Arrival], None] = lambda _: None,
        audit: AuditLog | None = None,
        give_up_s: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._publisher, self._store, self._settings, self._filters = publisher, store, settings, filters
        self._name, self._tell, self._audit, self._clock = name, tell, audit, clock
        self._give_up_s, self._alone_since_s = give_up_s, clock.monotonic_s()
        self._inbox: queue.SimpleQueue[Message | LatxError | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self.is_connected = threading.Event()
        """Set while there is a connection."""

    def run(self) -> None:
        """Receive until ``stop``.

        Raises:
            OutputError: the disk takes no more; what was not taken stays at the broker.
            ServiceError: the broker was out of reach for too long, or does not let this receiver listen.
        """
        line = threading.Thread(target=self._connect, name="receive-connection", daemon=True)
        line.start()
        try:
            while True:
                told = self._inbox.get()
                if told is None:
                    return
                if isinstance(told, LatxError):
                    raise told
                self._take(told)
        finally:
            self.stop()
            line.join(2 * self._settings.connect_timeout_s)

    def stop(self) -> None:
        """End ``run``, from any thread or a signal handler. Harmless when repeated."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._publisher.close(1.0)
            self._inbox.put(None)

    # Listener, on the connection's thread

    def connected(self, granted: Granted) -> None:
        """See ``Listener``."""
        if granted.refused:
            self._inbox.put(ServiceError("the broker does not let this receiver listen", where=self._settings.host,
                                         expected="read access to reports", found=", ".join(granted.refused),
                                         mend="give this user read access in the broker's ACL"))
        self.is_connected.set()
        _LOG.info("Connected; session %s", "resumed" if granted.resumed else "new")

    def received(self, message: Message) -> None:
        """See ``Listener``."""
        self._inbox.put(message)

    def acknowledged(self, token: int, code: int) -> None:
        """See ``Listener``; a receipt that is lost is asked for again by the report's repetition."""

    def _connect(self) -> None:
        keep_connected(self._publisher, self, self._filters, None, self._settings, stopping=self._stopping,
                       clock=self._clock, ended=self._ended)

    def _ended(self, failure: Disconnected | LatxError | None) -> None:
        if self._stopping.is_set() or failure is None:
            return
        now_s = self._clock.monotonic_s()
        if self.is_connected.is_set():
            self._alone_since_s = now_s
        self.is_connected.clear()
        if isinstance(failure, LatxError):  # somebody who can mend it looks on
            self._inbox.put(failure)
        elif self._give_up_s is not None and now_s - self._alone_since_s > self._give_up_s:
            self._inbox.put(ServiceError(
                "the broker stays out of reach", where=f"{self._settings.host}:{self._settings.effective_port}",
                expected="a connection", found=str(failure), mend="start the broker, or mend --broker"))
        else:
            _LOG.warning("%s", failure)

    def _take(self, message: Message) -> None:
        device_id = device_of(message.topic, self._settings.prefix)
        if device_id is None:
            self._publisher.acknowledge(message)
            return
        arrival = self._keep(message, device_id)
        if arrival.scan_id is not None:
            self._answer(arrival)
        self._publisher.acknowledge(message)
        self._tell(arrival)

    def _keep(self, message: Message, device_id: str) -> Arrival:
        try:
            sent = dict(message.properties).get("sha256")
            if sent is not None and sent != hashlib.sha256(message.payload).hexdigest():
                raise ReportError("it does not have the sha256 that it was sent with")
            result, files = unpack(message.payload, device_id)
        except ReportError as why:
            return Arrival("refused", device_id, scan_id_of(message), error=str(why))
        status = self._store.keep(result.scan_id, files)
        if status == "conflict":
            return Arrival("refused", device_id, result.scan_id, error="another record with this id is there already")
        if status == "stored" and self._audit is not None:
            self._audit.record("report_received", scan_id=result.scan_id, device=device_id)
        return Arrival(status, device_id, result.scan_id, result)

    def _answer(self, arrival: Arrival) -> None:
        receipt = Receipt.model_validate({"id": arrival.scan_id, "status": arrival.status, "receiver": self._name,
                                          "error": arrival.error})
        topic = Topics(self._settings.prefix, arrival.device_id).name("receipt")
        row = TOPICS["receipt"]
        try:
            self._publisher.publish(Message(topic, receipt.model_dump_json().encode(), row.qos, row.retain,
                                            "application/json", properties=(("id", receipt.id),)))
        except Disconnected:
            _LOG.info("A receipt could not be sent; the report will come again")

