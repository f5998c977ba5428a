"""TensorRT's log: kept, not printed, so that the reason of a failure ends in our one line."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

KEPT: Final = 20


def make_log(trt: Any) -> Any:
    """A logger for ``trt``, a module of TensorRT, with ``reason()``: what it complained about last, in one line."""

    class Log(trt.ILogger):  # type: ignore[misc]
        """Keeps the newest errors."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)  # a binding's class crashes where its own initialiser was not called
            self._errors: deque[str] = deque(maxlen=KEPT)

        def log(self, severity: Any, message: str) -> None:
            """Called by TensorRT."""
            if severity in (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR):
                self._errors.append(" ".join(message.split()))

        def reason(self) -> str:
            """The newest errors; the last one first, as it is the most general."""
            return "; ".join(list(self._errors)[-2:])[:400] or "no reason given"

    return Log()
