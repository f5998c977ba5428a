"""Home Assistant's MQTT discovery: the device's health as entities, from one table. Nothing of a scan is announced.

Format: https://www.home-assistant.io/integrations/mqtt/#discovery-messages
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from edge.sinks.mqtt.publisher import Message
from edge.sinks.mqtt.topics import OFFLINE, ONLINE, Topics


@dataclass(frozen=True)
class EntityRow:
    """One entity. topic: row of ``TOPICS`` that it reads, or None; verb: what a button asks for, or None."""

    component: str
    name: str
    topic: str | None = None
    template: str | None = None
    verb: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


ENTITIES: Final[dict[str, EntityRow]] = {
    "connected": EntityRow("binary_sensor", "Connected", "availability", more={
        "device_class": "connectivity", "payload_on": ONLINE.decode(), "payload_off": OFFLINE.decode()}),
    "state": EntityRow("sensor", "State", "state", "{{ value_json.state }}"),
    "problem": EntityRow(
        "binary_sensor", "Problem", "state",
        "{{ 'ON' if value_json.reasons or not value_json.can_scan else 'OFF' }}", more={"device_class": "problem"}),
    "temperature": EntityRow("sensor", "Temperature", "stats", "{{ value_json.temperature_c }}", more={
        "device_class": "temperature", "unit_of_measurement": "\u00b0C", "state_class": "measurement"}),
    "waiting_reports": EntityRow("sensor", "Waiting reports", "stats", "{{ value_json.outbox.reports }}",
                                 more={"state_class": "measurement"}),
    "waiting_bytes": EntityRow("sensor", "Waiting bytes", "stats", "{{ value_json.outbox.bytes }}",
                               more={"device_class": "data_size", "unit_of_measurement": "B"}),
    "oldest_report": EntityRow("sensor", "Oldest waiting report", "stats", "{{ value_json.outbox.oldest_s }}",
                               more={"device_class": "duration", "unit_of_measurement": "s"}),
    "restart": EntityRow("button", "Restart", verb="restart", more={"device_class": "restart"}),
}


def discovery_messages(topics: Topics, prefix: str, version: str) -> list[Message]:
    """One retained message per entity."""
    device = {"identifiers": [f"latx_{topics.device_id}"], "name": f"LatXGen Edge {topics.device_id}",
              "model": "LatXGen Edge", "sw_version": version}
    messages = []
    for key, row in ENTITIES.items():
        unique = f"latx_{topics.device_id}_{key}"
        config: dict[str, Any] = {"name": row.name, "unique_id": unique, "device": device,
                                  "entity_category": "diagnostic", **row.more}
        if row.topic is not None:
            config["state_topic"] = topics.name(row.topic)
        if row.template is not None:
            config["value_template"] = row.template
        if row.verb is not None:
            config |= {"command_topic": topics.request(row.verb), "payload_press": "{}", "entity_category": "config"}
        if row.topic != "availability":
            config |= {"availability_topic": topics.name("availability"), "payload_available": ONLINE.decode(),
                       "payload_not_available": OFFLINE.decode()}
        messages.append(Message(f"{prefix}/{row.component}/latx_{topics.device_id}/{key}/config",
                                json.dumps(config).encode(), retain=True, content_type="application/json"))
    return messages


def birth_topic(prefix: str) -> str:
    """Where Home Assistant says that it has (re)started and wants to be told again."""
    return f"{prefix}/status"
