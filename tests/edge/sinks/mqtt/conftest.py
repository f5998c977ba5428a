"""A wire for what is sent without a broker: it takes messages, and is answered when a test says so."""

from __future__ import annotations

import pytest

from edge.sinks.mqtt.publisher import Disconnected


class Wire:
    """Takes messages; broken, it refuses them."""

    def __init__(self):
        self.sent, self.broken = [], False

    def publish(self, message):
        if self.broken:
            raise Disconnected("gone")
        self.sent.append(message)
        return len(self.sent)

    def kinds(self):
        return [m.topic.rpartition("/")[2] for m in self.sent]


@pytest.fixture
def wire():
    return Wire()
