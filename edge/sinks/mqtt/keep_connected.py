"""One connection after the other, with a back-off: what the device's link and the receiver have in common."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Final

from edge.clock import Clock
from edge.errors import LatxError
from edge.sinks.mqtt.publisher import Disconnected, Listener, Message, Publisher
from edge.sinks.mqtt.settings import BrokerSettings

_STEADY_S: Final = 5.0  # a connection that lasted this long starts the back-off anew

Ended = Callable[["Disconnected | LatxError | None"], None]
"""Told why a connection ended: lost or refused, a password or certificate that cannot be used, None after a goodbye."""


def keep_connected(publisher: Publisher, listener: Listener, topics: tuple[str, ...], will: Message | None,
                   settings: BrokerSettings, *, stopping: threading.Event, clock: Clock, ended: Ended) -> None:
    """Serve until ``stopping``; waits between two attempts double, with some randomness so that devices of one site do
    not come back all at once.
    """
    wait_s = settings.back_off_first_s
    while not stopping.is_set():
        began_s = clock.monotonic_s()
        failure: Disconnected | LatxError | None = None
        try:
            publisher.serve(listener, topics, will)
        except (Disconnected, LatxError) as why:
            failure = why
        ended(failure)
        if clock.monotonic_s() - began_s >= _STEADY_S:
            wait_s = settings.back_off_first_s
        if stopping.wait(wait_s * random.uniform(0.7, 1.0)):
            return
        wait_s = min(2 * wait_s, settings.back_off_limit_s)
