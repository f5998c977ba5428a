"""The end of the process within a bounded time, whatever hangs: a camera driver, a GPU, a disk."""

from __future__ import annotations

import os
import threading
import time
from typing import Final

from edge.errors import ServiceError

STOP_WITHIN_S: Final = 8.0
"""From the signal to the end of the process; systemd would kill it after TimeoutStopSec=10."""


def no_bound() -> None:
    """Within another process's life, such as a test's, nothing may end it."""


_bounded = threading.Event()


def bound_stop(seconds: float = STOP_WITHIN_S) -> None:
    """End the process by force ``seconds`` from now, if it is still there then. Only the first call counts."""
    if _bounded.is_set():
        return
    _bounded.set()

    def end() -> None:
        time.sleep(seconds)
        os._exit(ServiceError.exit_code)

    threading.Thread(target=end, name="end", daemon=True).start()
