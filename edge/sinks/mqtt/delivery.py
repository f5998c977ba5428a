"""Reports on their way: which ones are out, what their acknowledgements mean, when one is sent again.

A state machine without threads or clocks of its own. The outbox is what must not be lost; all that is held here may be,
because every report that is not removed from the outbox is sent again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge.clock import Clock
from edge.sinks.mqtt.publisher import FAILURE, NO_SUBSCRIBER, Message
from edge.sinks.mqtt.receipt import Receipt
from edge.sinks.mqtt.report_message import RESULT, ScanMessages, scan_messages
from edge.sinks.mqtt.settings import MqttSettings
from edge.sinks.mqtt.topics import Topics
from edge.sinks.outbox.outbox import Entry, Outbox

_LOG: Final = logging.getLogger(__name__)

RETRY_FIRST_S: Final = 1.0
RETRY_LIMIT_S: Final = 30.0
"""Wait after a report that nobody subscribes to or that the broker does not take: doubles from the one to the other."""
STUBBORN: Final = 3
"""Losses of the connection, with a report out, after which others go before it."""

Settled = Callable[[str, str], None]
"""Told a scan's id and "delivered", "gone" or "receipt": it has left the outbox, and why."""


@dataclass
class _Out:
    """A report that is out. tokens: messages not yet acknowledged, True for the one that is owed."""

    parts_sent: bool
    tokens: dict[int, bool] = field(default_factory=dict)
    code: int = 0  # answer to the message that is owed
    owed_sent: bool = False
    received: bool = False  # its receipt came before the broker's acknowledgement


class Delivery:
    """Moves reports from the outbox to the broker, at most ``settings.in_flight`` at once."""

    def __init__(self, outbox: Outbox, topics: Topics, settings: MqttSettings, clock: Clock, settled: Settled) -> None:
        self._outbox, self._topics, self._settings = outbox, topics, settings
        self._clock, self._settled = clock, settled
        self._out: dict[str, _Out] = {}
        self._owner: dict[int, str] = {}
        self._again_at: dict[str, float] = {}  # awaiting a receipt, monotonic seconds
        self._lost_times: Counter[str] = Counter()
        self._hold_until, self._hold_s = 0.0, RETRY_FIRST_S
        self.problem: str | None = None
        """Why reports do not get through although the broker is there; None while they do."""

    def fill(self, publish: Callable[[Message], int], max_bytes: int | None) -> None:
        """Send what is due and fits.

        Args:
            publish: see ``Publisher.publish``. max_bytes: what the broker takes; None: as much as configured.

        Raises:
            Disconnected: from ``publish``.
        """
        now = self._clock.monotonic_s()
        if now < self._hold_until:
            return
        limit = min(self._settings.max_message_bytes, max_bytes or self._settings.max_message_bytes)
        window = 1 if self.problem else self._settings.in_flight
        self._again_at = {scan_id: at for scan_id, at in self._again_at.items() if at > now}
        while len(self._out) < window:
            # What broke the connection again and again (too large for a broker that does not say so) comes last.
            busy = {*self._again_at, *self._out}
            stubborn = {scan_id for scan_id, times in self._lost_times.items() if times >= STUBBORN}
            entries = self._outbox.due(1, busy | stubborn) or self._outbox.due(1, busy)
            if not entries:
                return
            self._send(entries[0], publish, limit)

    def next_due_s(self) -> float | None:
        """Seconds until ``fill`` has something to do that no event announces; None: nothing foreseen."""
        now = self._clock.monotonic_s()
        times = [*self._again_at.values(), *([self._hold_until] if self._hold_until > now else [])]
        return max(0.0, min(times) - now) if times else None

    def acknowledged(self, token: int, code: int) -> bool:
        """The broker's answer to one message. Returns whether it was one of ours."""
        scan_id = self._owner.pop(token, None)
        if scan_id is None:
            return False
        out = self._out[scan_id]
        if out.tokens.pop(token):
            out.code = code
        if not out.tokens and out.owed_sent:
            del self._out[scan_id]
            self._answered(scan_id, out)
        return True

    def lost(self) -> None:
        """The connection is gone: what was out will be sent again, and receipts may have been missed."""
        self._lost_times.update(self._out.keys())
        for scan_id in self._out:
            if self._lost_times[scan_id] == STUBBORN:
                _LOG.warning("A report was lost %d times with its connection; max_message_bytes may be too high for "
                             "this broker", STUBBORN)
        self._out.clear()
        self._owner.clear()
        self._again_at.clear()
        self._hold_until, self._hold_s = 0.0, RETRY_FIRST_S

    def receipt(self, receipt: Receipt) -> None:
        """A receiver's word."""
        if not receipt.kept:
            self.problem = f"a receiver refuses reports: {receipt.error or 'no reason given'}"
            return
        self.problem = None
        self._again_at.pop(receipt.id, None)
        if receipt.id in self._out:
            self._out[receipt.id].received = True
        if self._settings.remove_after == "receipt" and self._outbox.remove(receipt.id):
            self._settled(receipt.id, "receipt")

    def _send(self, entry: Entry, publish: Callable[[Message], int], limit: int) -> None:
        files = self._outbox.load(entry.scan_id)
        if RESULT not in files:  # wiped or past retention
            self._outbox.remove(entry.scan_id)
            self._settled(entry.scan_id, "gone")
            return
        messages: ScanMessages = scan_messages(self._topics, entry.scan_id, files, self._settings.send, limit)
        out = self._out[entry.scan_id] = _Out(entry.parts_sent)
        for message in () if entry.parts_sent else messages.parts:
            self._hand_over(entry.scan_id, out, message, publish, owed=False)
        self._hand_over(entry.scan_id, out, messages.owed, publish, owed=True)
        out.owed_sent = True

    def _hand_over(self, scan_id: str, out: _Out, message: Message, publish: Callable[[Message], int],
                   *, owed: bool) -> None:
        token = publish(message)
        out.tokens[token] = owed
        self._owner[token] = scan_id

    def _answered(self, scan_id: str, out: _Out) -> None:
        now = self._clock.monotonic_s()
        if out.code >= FAILURE or out.code == NO_SUBSCRIBER:
            self._hold_until = now + self._hold_s
            self._hold_s = min(2 * self._hold_s, RETRY_LIMIT_S)
            self.problem = (f"the broker does not take reports (reason code 0x{out.code:02x})" if out.code >= FAILURE
                            else "nobody has subscribed to reports")
            if not out.parts_sent:
                self._outbox.parts_sent(scan_id)
            return
        self.problem, self._hold_s = None, RETRY_FIRST_S
        self._lost_times.pop(scan_id, None)
        if self._settings.remove_after == "puback":
            if self._outbox.remove(scan_id):
                self._settled(scan_id, "delivered")
            return
        if out.received:
            return
        if not out.parts_sent:
            self._outbox.parts_sent(scan_id)
        self._again_at[scan_id] = now + self._settings.receipt_timeout_s
