"""The page's routes: three static files, the radiograph of this moment, and the events that keep the page up to date.

Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final

from edge.daemon.live import LiveFrame, LiveView
from edge.daemon.status import Board, Status
from edge.draw.radiograph import png, radiograph_picture
from edge.health.server import Answer, Route
from edge.measure.angles import ANGLE_LABELS

STATIC: Final[dict[str, tuple[str, str]]] = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
"""Path -> file and its type."""
POLICY: Final = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'"
SHOWN_ANGLES: Final = ("thoracic_kyphosis_t4_t12", "lumbar_lordosis_l1_s1", "sacral_slope")
LOOK_S: Final = 0.1
"""Longest wait for news: events come at most ten times a second, which is as fast as numbers can be read."""
STILL_THERE_S: Final = 5.0
"""A comment as often, so that a closed page is noticed."""


def page_routes(board: Board, live: LiveView) -> dict[str, Route]:
    """Every route of the page."""
    return {path: _static(*row) for path, row in STATIC.items()} | {
        "/events": lambda: Answer(events(board, live), "text/event-stream"),
        "/radiograph.png": lambda: _radiograph(board.status, live.newest()),
    }


def events(board: Board, live: LiveView) -> Iterator[bytes]:
    """What the page shows, whenever it changes, until the device stops."""
    told, told_s, after = "", time.monotonic(), -1
    while True:
        after, status = board.newest(after, LOOK_S)
        text = json.dumps(news(status, live.newest()))
        now_s = time.monotonic()
        if text != told:
            told, told_s = text, now_s
            yield f"data: {text}\n\n".encode()
        elif now_s - told_s >= STILL_THERE_S:
            told_s = now_s
            yield b": still there\n\n"
        if status.state == "stopping":
            return
        time.sleep(LOOK_S / 2)


def news(status: Status, frame: LiveFrame | None) -> dict[str, Any]:
    """One event: plain language and numbers as they are shown."""
    return {
        "state": status.state,
        "what": status.what,
        "shown": status.shown,
        "problem": status.problem,
        "progress": status.progress,
        "live": status.live,
        "conditions": [f"{held.line()}. {held.row.advice}" for held in status.conditions],
        "picture": _picture(status, frame),
    }


def _picture(status: Status, frame: LiveFrame | None) -> dict[str, Any] | None:
    """The newest live frame, else the result, else nothing."""
    if frame is not None:
        angles = [(name, frame.angles_deg[name], "") for name in SHOWN_ANGLES]
        return {"live": True, "key": f"live-{frame.sequence}", "angles": _rows(angles)}
    if status.result is None:
        return None
    found = status.result.angles
    angles = [(n, found[n].value_deg, f"{found[n].low_deg:.0f} to {found[n].high_deg:.0f}") for n in SHOWN_ANGLES]
    return {"live": False, "key": f"result-{status.result.sequence}", "angles": _rows(angles)}


def _rows(angles: list[tuple[str, float, str]]) -> list[dict[str, str]]:
    return [{"label": ANGLE_LABELS[name], "value": f"{value:.0f}", "interval": interval}
            for name, value, interval in angles]


def _radiograph(status: Status, frame: LiveFrame | None) -> Answer:
    if frame is not None:
        return Answer(png(radiograph_picture(frame.log_attenuation)), "image/png")
    if status.result is not None:
        return Answer(status.result.radiograph_png, "image/png")
    return Answer(b"nothing to show\n", "text/plain", 404)


def _static(name: str, content_type: str) -> Route:
    body = (resources.files("edge.page") / "static" / name).read_bytes()
    return lambda: Answer(body, content_type, headers={"Content-Security-Policy": POLICY})
