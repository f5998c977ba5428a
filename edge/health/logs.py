"""The log on stderr, as journald likes it: one line an event, its level in front, no identifier of a subject in it.

Levels as ``<N>``: sd-daemon(3). With ``$JOURNAL_STREAM`` set, journald adds the time itself.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Final, TextIO

from edge.health.settings import LogSettings
from edge.result.identity import rfc3339

SYSLOG_LEVELS: Final = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
MAX_CHARS: Final = 2000
"""Longer messages are cut: journald would split them."""

_SCAN_IDS: Final = re.compile(r"\b\d{8}T\d{9}Z-[0-9a-f]{8}\b")
_REFERENCES: Final = re.compile(r"(subject_ref\W{0,4}[=:]\s*)[^\s,;}]+")


class Discreet(logging.Filter):
    """Takes out of every message what would tell of a subject: scan ids and references, also out of foreign errors."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = _REFERENCES.sub(r"\1...", _SCAN_IDS.sub("(scan)", record.getMessage()))
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {type(record.exc_info[1]).__name__}"  # a traceback may quote data
        record.exc_info = record.exc_text = record.stack_info = None
        record.msg, record.args = " ".join(text.split())[:MAX_CHARS], ()
        return True


class TextFormatter(logging.Formatter):
    """``<6>edge.daemon.loop: ready`` for journald, with time and level in words for people."""

    def __init__(self, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = f"{record.name}: {record.getMessage()}"
        if self._journal:
            return f"<{SYSLOG_LEVELS.get(record.levelno, 6)}>{text}"
        return f"{rfc3339(int(record.created * 1e9))} {record.levelname.lower():<7} {text}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"time": rfc3339(int(record.created * 1e9)), "level": record.levelname.lower(),
                           "logger": record.name, "message": record.getMessage()})


def start_log(settings: LogSettings, stream: TextIO | None = None,
              environment: Mapping[str, str] = os.environ) -> logging.Handler:
    """Send the log of all parts to ``stream`` (default stderr), in place of whatever was set before."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    text = TextFormatter(journal="JOURNAL_STREAM" in environment)
    handler.setFormatter(JsonFormatter() if settings.format == "json" else text)
    handler.addFilter(Discreet())
    logging.basicConfig(handlers=[handler], level=settings.level.upper(), force=True)
    return handler


def set_level(settings: LogSettings) -> None:
    """Let another level take effect."""
    logging.getLogger().setLevel(settings.level.upper())
