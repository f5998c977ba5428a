from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator

import pytest

from edge.clock import ManualClock
from edge.daemon.conditions import Holding
from edge.daemon.status import Board, Status
from edge.errors import OutputError
from edge.health.metrics import Metrics
from edge.health.server import MAX_CONNECTIONS, STALLED_S, Answer, LocalServer, health_routes
from edge.health.settings import HealthSettings

ANY_PORT = HealthSettings(port=0)


class Served:
    def __init__(self) -> None:
        self.board, self.clock = Board(), ManualClock()
        routes = health_routes(self.board, Metrics(), self.clock)
        routes["/pieces"] = lambda: Answer((piece for piece in (b"one ", b"two")), "text/plain")
        self.server = LocalServer(ANY_PORT, routes)

    def get(self, path: str, host: str = "localhost", method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        connection.request(method, path, headers={"Host": host})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.server.stop(5)


def test_health_is_that_the_loop_turns(served: Served) -> None:
    assert served.get("/healthz")[0] == 200, "warming up is no illness"
    served.board.beat(served.clock.monotonic_s())
    served.clock.advance(STALLED_S - 1)
    assert served.get("/healthz")[0] == 200
    served.clock.advance(2)

    status, body = served.get("/healthz")
    assert status == 503
    assert json.loads(body)["turned_s_ago"] == STALLED_S + 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status(), 503),
        (Status(state="idle", ready=True), 200),
        (Status(state="no_camera", ready=True), 503),
        (Status(state="stopping", ready=True), 503),
        (Status(state="degraded", ready=True, conditions=(Holding("usb2"),)), 200),
        (Status(state="degraded", ready=True, conditions=(Holding("no_room", "0 MB free"),)), 503),
    ],
)
def test_readiness_is_that_a_subject_would_be_scanned_now(served: Served, status: Status, code: int) -> None:
    served.board.post(status)

    answer, body = served.get("/readyz")
    assert answer == code
    assert json.loads(body)["state"] == status.state
    assert [row["key"] for row in json.loads(body)["reasons"]] == [held.key for held in status.conditions]


def test_metrics_are_prometheus_text(served: Served) -> None:
    status, body = served.get("/metrics")

    assert status == 200
    assert "# TYPE latx_edge_scans_total counter" in body


def test_what_is_made_in_pieces_arrives_whole(served: Served) -> None:
    assert served.get("/pieces") == (200, "one two")


def test_other_pages_do_not_exist_and_nothing_can_be_sent(served: Served) -> None:
    assert served.get("/../etc/passwd")[0] == 404
    assert served.get("/healthz", method="POST")[0] == 501
    assert served.get("/healthz", method="HEAD") == (200, "")


@pytest.mark.parametrize(
    ("host", "code"),
    [("localhost:9475", 200), ("127.0.0.1", 200), ("[::1]:9475", 200), ("evil.example", 403), ("evil.example:80", 403)],
)
def test_a_page_of_another_host_cannot_read_through_a_browser(served: Served, host: str, code: int) -> None:
    assert served.get("/healthz", host)[0] == code


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "kiosk.example"])
def test_it_never_listens_beyond_this_machine(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        HealthSettings(host=host)


def test_a_port_that_is_taken_is_named(served: Served) -> None:
    with pytest.raises(OutputError, match=str(served.server.port)):
        LocalServer(HealthSettings(port=served.server.port), {})


def test_too_many_connections_are_turned_away_and_rubbish_harms_nothing(served: Served) -> None:
    idle = [socket.create_connection(("127.0.0.1", served.server.port)) for _ in range(MAX_CONNECTIONS + 4)]
    idle[-1].settimeout(10)
    assert idle[-1].recv(10) == b"", "closed at once"
    for connection in idle:
        connection.close()
    with socket.create_connection(("127.0.0.1", served.server.port)) as rude:
        rude.sendall(b"\x00\xff GET\r\n\r\n")
    assert eventually(lambda: served.get("/healthz")[0] == 200)


def eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(100):
        try:
            if holds():
                return True
        except (ConnectionError, http.client.HTTPException):
            continue
    return False


def test_it_stops_in_time(served: Served) -> None:
    assert served.server.stop(5)
    with pytest.raises(ConnectionError):
        served.get("/healthz")
