"""Waiting no longer than told for a call that may never return."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable


def within(call: Callable[[], object], seconds: float, ignoring: type[Exception] = RuntimeError) -> bool:
    """Run ``call`` in a thread and wait for it. False where it still runs: it is left behind and dies with the process.

    Args:
        ignoring: what the call may raise without anybody wanting to know.
    """

    def run() -> None:
        with contextlib.suppress(ignoring):
            call()

    thread = threading.Thread(target=run, name="deadline", daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()
