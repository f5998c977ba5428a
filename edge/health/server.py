"""A small HTTP server on loopback: probes, metrics, and whatever else is put into its table of routes.

``/healthz``: the loop turns. ``/readyz``: a subject that comes now would be scanned. ``/metrics``: Prometheus.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from edge.clock import Clock
from edge.daemon.status import Board
from edge.errors import OutputError
from edge.health.metrics import CONTENT_TYPE, Metrics
from edge.health.settings import HealthSettings
from edge.result.identity import clock_synced
from edge.sinks.mqtt.settings import is_loopback

_log = logging.getLogger(__name__)

STALLED_S: Final = 10.0
"""A loop that made no turn for so long is not healthy."""
MAX_CONNECTIONS: Final = 16
IDLE_S: Final = 10.0
"""A connection that says nothing for so long is closed."""


@dataclass(frozen=True)
class Answer:
    """What a route gives. body: bytes, or pieces that come as they are made (then the connection ends with them)."""

    body: bytes | Iterable[bytes]
    content_type: str = "application/json"
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[], Answer]


def health_routes(board: Board, metrics: Metrics, clock: Clock) -> dict[str, Route]:
    """The probes and the metrics."""

    def healthz() -> Answer:
        beaten_s = board.beaten_s
        age_s = None if beaten_s is None else clock.monotonic_s() - beaten_s
        well = age_s is None or age_s < STALLED_S  # before the first turn it is warming up
        return _json({"healthy": well, "turned_s_ago": age_s}, well)

    def readyz() -> Answer:
        status = board.status
        return _json({"ready": status.can_scan, **status.public(), "clock_synced": clock_synced()}, status.can_scan)

    def scrape() -> Answer:
        metrics.set("clock_synced", clock_synced())
        return Answer(metrics.text(), CONTENT_TYPE)

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": scrape}


class LocalServer:
    """Serves a table of routes on a loopback address, each request on a thread of its own.

    Raises:
        OutputError: the port is taken.
    """

    def __init__(self, settings: HealthSettings, routes: Mapping[str, Route]) -> None:
        handler = type("Handler", (_Handler,), {"routes": dict(routes)})
        try:
            self._server = _Server((settings.host.strip("[]"), settings.port), handler)
        except OSError as failure:
            raise OutputError("the probes cannot be served", where=f"{settings.host}:{settings.port}",
                              expected="a free port", found=failure.strerror or str(failure),
                              mend="give another port in [health], or enabled = false") from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="health", daemon=True)
        self._thread.start()
        _log.info("serving on http://%s:%d", settings.host, self.port)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def stop(self, deadline_s: float) -> bool:
        """Listen no more; whether it ended in time. Requests that still run die with the process."""
        stopper = threading.Thread(target=self._server.shutdown, name="health-stop", daemon=True)
        stopper.start()
        stopper.join(deadline_s)
        self._server.server_close()
        return not stopper.is_alive()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        if ":" in address[0]:
            import socket

            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def process_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address) -> None:  # type: ignore[no-untyped-def]
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request, client_address) -> None:  # type: ignore[no-untyped-def]  # noqa: ARG002
        _log.debug("a request broke off")


class _Handler(BaseHTTPRequestHandler):
    routes: Mapping[str, Route] = {}
    protocol_version = "HTTP/1.0"
    server_version, sys_version = "latx-edge", ""
    timeout = IDLE_S

    def do_GET(self) -> None:
        route = self.routes.get(self.path.partition("?")[0])
        host = self.headers.get("Host", "localhost")
        if not is_loopback(host if host.endswith("]") else host.rpartition(":")[0] or host):
            answer = _json({"error": "this server is for this machine alone"}, False, HTTPStatus.FORBIDDEN)
        elif route is None:
            answer = _json({"error": "no such page", "pages": sorted(self.routes)}, False, HTTPStatus.NOT_FOUND)
        else:
            answer = route()
        self._send(answer)

    do_HEAD = do_GET

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if isinstance(answer.body, bytes):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        for piece in (answer.body,) if isinstance(answer.body, bytes) else answer.body:
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""


def _json(values: Mapping[str, object], well: bool, otherwise: int = HTTPStatus.SERVICE_UNAVAILABLE) -> Answer:
    return Answer(json.dumps(values).encode() + b"\n", status=HTTPStatus.OK if well else otherwise)
