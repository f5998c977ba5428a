"""The topics of a device: one table. The README's table is held against it by a test."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from edge.errors import UsageError
from edge.sinks.mqtt.settings import LEVEL


@dataclass(frozen=True)
class TopicRow:
    """One row: what follows ``<prefix>/<device>/``, how it is sent, by whom, and what is in it."""

    qos: Literal[0, 1]
    retain: bool
    sender: Literal["device", "host"]
    payload: str


TOPICS: Final[dict[str, TopicRow]] = {
    "availability": TopicRow(1, True, "device", "`online`, or `offline`: also the last will"),
    "info": TopicRow(1, True, "device", "JSON: versions, model, engines, schemas, verbs, what awaits a restart"),
    "state": TopicRow(1, True, "device", "JSON: state of the device and the reasons for it"),
    "stats": TopicRow(0, False, "device", "JSON: rates, temperatures, what waits in the outbox"),
    "preview": TopicRow(0, False, "device", "JPEG: the newest radiograph of live mode, its angles as user properties; "
                                            "only with `preview_hz`"),
    "event": TopicRow(1, False, "device", "JSON: something happened (camera lost, throttled, ...)"),
    "result": TopicRow(1, False, "device", "`result.json` of a scan; user property `id`"),
    "radiograph": TopicRow(1, False, "device", "`radiograph.png` of a scan; user properties `id` and `sha256`"),
    "report": TopicRow(1, False, "device", "ZIP with all files of a scan; user property `id`; for `latx-edge receive`"),
    "receipt": TopicRow(1, False, "host", "JSON: a receiver has the report `id` on its disk, or why not"),
    "cmd/request/<verb>": TopicRow(1, False, "host", "JSON: what the verb carries, and `transaction`"),
    "cmd/response/<verb>": TopicRow(1, False, "device", "JSON: `status`, `data`, `error`, `transaction`"),
}
ONLINE: Final = b"online"
OFFLINE: Final = b"offline"


class Topics:
    """Full names of one device's topics.

    Raises:
        UsageError: the device's identifier is no topic level.
    """

    def __init__(self, prefix: str, device_id: str) -> None:
        if not re.fullmatch(LEVEL, device_id) or device_id.endswith("\n"):
            raise UsageError("the device's identifier cannot be part of a topic", where="LATX_DEVICE_ID",
                             expected="up to 64 letters, digits, '_' or '-'", found=repr(device_id[:64]),
                             mend="give the device another identifier")
        self.prefix, self.device_id = prefix, device_id
        self.root = f"{prefix}/{device_id}"

    def name(self, row: str) -> str:
        """The full topic of a row without a verb."""
        return f"{self.root}/{TOPICS[row] and row}"

    def request(self, verb: str = "+") -> str:
        """Where requests come in; ``+`` for all verbs."""
        return f"{self.root}/cmd/request/{verb}"

    def response(self, verb: str) -> str:
        """Where the answer to ``verb`` goes unless the request names a topic below the same branch."""
        return f"{self.root}/cmd/response/{verb}"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """What the device listens to."""
        return self.request(), self.name("receipt")


def report_filter(prefix: str, device: str = "+", group: str | None = None) -> str:
    """The topic filter of a receiver; members of a ``group`` share the reports among them (MQTT 5, 4.8.2)."""
    topic = f"{prefix}/{device}/report"
    return f"$share/{group}/{topic}" if group else topic


def device_of(topic: str, prefix: str) -> str | None:
    """The device that a topic of ours belongs to; None where it is none of ours."""
    levels = topic.split("/")
    ours = len(levels) >= 3 and levels[0] == prefix and re.fullmatch(LEVEL, levels[1]) is not None
    return levels[1] if ours else None
