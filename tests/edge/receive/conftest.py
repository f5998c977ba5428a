"""A receiver over the stand-in broker, on a thread of its own."""

from __future__ import annotations

import threading

import pytest

from edge.receive.receiver import Receiver
from edge.receive.store import ReportStore
from edge.sinks.mqtt.memory import MemoryBroker, MemoryPublisher
from edge.sinks.mqtt.settings import BrokerSettings
from edge.sinks.mqtt.topics import report_filter


@pytest.fixture
def broker():
    return MemoryBroker()


@pytest.fixture
def receive(broker, tmp_path):
    """Start a receiver; gives it with ``arrivals`` and ``failure``."""
    running = []

    def start(name="nurse", out="in", group=None, store=None, **more):
        settings = BrokerSettings(back_off_first_s=0.01, back_off_limit_s=0.05)
        arrivals = []
        receiver = Receiver(MemoryPublisher(broker, name, keep_session=True, manual_ack=True),
                            store or ReportStore(tmp_path / out), settings, (report_filter("spine", "+", group),), name,
                            tell=arrivals.append, **more)
        receiver.arrivals, receiver.failure = arrivals, None

        def run():
            try:
                receiver.run()
            except Exception as failure:
                receiver.failure = failure

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        running.append((receiver, thread))
        receiver.thread = thread
        assert "give_up_s" in more or receiver.is_connected.wait(5)
        return receiver

    yield start
    for receiver, thread in running:
        receiver.stop()
        thread.join(5)
        assert not thread.is_alive()
