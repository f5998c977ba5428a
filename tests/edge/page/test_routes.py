from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edge.anatomy import ANGLE_NAMES
from edge.daemon.conditions import Holding
from edge.daemon.guidance import guidance_for
from edge.daemon.live import LiveFrame, LiveView
from edge.daemon.states import STATES
from edge.daemon.status import Board, ShownAngle, ShownResult, Status
from edge.health.server import LocalServer
from edge.health.settings import HealthSettings
from edge.page.routes import STATIC, news, page_routes

RESULT = ShownResult({name: ShownAngle(40.4, 33.6, 47.2) for name in ANGLE_NAMES}, b"a picture", 3)


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def live() -> LiveView:
    return LiveView()


@pytest.fixture
def server(board: Board, live: LiveView) -> Iterator[LocalServer]:
    made = LocalServer(HealthSettings(port=0), page_routes(board, live))
    yield made
    board.post(Status(state="stopping"))
    made.stop(5)


def get(server: LocalServer, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", path, headers={"Host": "localhost"})
    return connection.getresponse()


def next_event(stream: http.client.HTTPResponse) -> dict:
    while True:
        line = stream.readline()
        assert line, "the stream ended"
        if line.startswith(b"data: "):
            return json.loads(line.removeprefix(b"data: "))


def test_the_page_is_served_with_everything_it_needs_and_nothing_from_outside(server: LocalServer) -> None:
    html = get(server, "/").read().decode()
    needed = set(re.findall(r'(?:src|href)="([^"]+)"', html))

    assert needed <= set(STATIC)
    for path, (_, kind) in STATIC.items():
        answer = get(server, path)
        text = answer.read().decode()
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"https?://", text)
    assert "NOT FOR DIAGNOSTIC USE" in html


def test_events_follow_the_device_and_end_with_it(server: LocalServer, board: Board) -> None:
    stream = get(server, "/events")
    assert next_event(stream)["state"] == "starting"
    board.post(Status(state="positioning", ready=True, guidance=guidance_for("too_close")))
    assert next_event(stream)["shown"] == "Step away from the camera, on to the mark."
    board.post(Status(state="result", ready=True, result=RESULT))
    picture = next_event(stream)["picture"]
    assert picture["angles"][2] == {"label": "Sacral slope S1", "value": "40", "interval": "34 to 47"}
    board.post(Status(state="stopping"))
    assert next_event(stream)["state"] == "stopping"

    assert stream.read().strip() == b""


def test_the_radiograph_is_that_of_the_result_or_of_the_newest_live_frame(
    server: LocalServer, board: Board, live: LiveView, make_measurements
) -> None:
    assert get(server, "/radiograph.png").status == 404
    board.post(Status(state="result", result=RESULT))
    assert get(server, "/radiograph.png").read() == b"a picture"
    live.show(make_measurements(1))
    answer = get(server, "/radiograph.png")
    picture = cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_UNCHANGED)

    assert answer.headers["Cache-Control"] == "no-store"
    assert picture.shape == (512, 256)


@pytest.mark.parametrize("state", STATES)
def test_every_state_says_something_to_the_person_before_it(state: str) -> None:
    assert len(news(Status(state=state), None)["shown"]) > 5


def test_what_is_wrong_is_said_with_what_to_do_about_it() -> None:
    told = news(Status(state="degraded", conditions=(Holding("no_room", "3 MB free"),)), None)

    assert told["conditions"] == ["results can no longer be kept: 3 MB free. Free space, or bring the receiver back."]


def test_live_numbers_come_without_intervals_that_nobody_computed() -> None:
    frame = LiveFrame(7, 0, dict.fromkeys(ANGLE_NAMES, 12.6), np.zeros((512, 256), np.float32))
    picture = news(Status(state="idle", live=True), frame)["picture"]

    assert (picture["live"], picture["key"]) == (True, "live-7")
    assert {row["interval"] for row in picture["angles"]} == {""}
    assert {row["value"] for row in picture["angles"]} == {"13"}
