from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from edge.health.logs import MAX_CHARS, set_level, start_log
from edge.health.settings import LogSettings

Started = Callable[..., tuple[logging.Logger, io.StringIO]]
JOURNAL = {"JOURNAL_STREAM": "8:1234"}


@pytest.fixture
def started() -> Iterator[Started]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level

    def start(settings: LogSettings | None = None, environment: dict[str, str] | None = None):
        stream = io.StringIO()
        for handler in root.handlers[:]:
            root.removeHandler(handler)
        start_log(settings or LogSettings(), stream, environment or {})
        return logging.getLogger("edge.test"), stream

    yield start
    root.handlers[:] = before
    root.setLevel(level)


def test_journald_gets_its_level_in_front_and_no_time(started: Started) -> None:
    log, stream = started(environment=JOURNAL)
    log.warning("camera %s", "lost")
    log.info("ready")

    assert stream.getvalue() == "<4>edge.test: camera lost\n<6>edge.test: ready\n"


def test_people_get_time_and_level_in_words(started: Started) -> None:
    log, stream = started()
    log.error("no room")

    assert stream.getvalue()[10] == "T"
    assert stream.getvalue().endswith("Z error   edge.test: no room\n")


def test_json_is_one_object_a_line(started: Started) -> None:
    log, stream = started(LogSettings(format="json"), JOURNAL)
    log.info("two\nlines")

    (line,) = stream.getvalue().splitlines()
    assert {k: v for k, v in json.loads(line).items() if k != "time"} == {
        "level": "info", "logger": "edge.test", "message": "two lines",
    }  # fmt: skip


@pytest.mark.parametrize(
    "said",
    ["wrote 20260102T030405678Z-0a1b2c3d", "{'subject_ref': 'maria-07'}", "subject_ref=maria-07",
     'subject_ref: "maria-07"'],
)
def test_what_would_tell_of_a_subject_is_taken_out(started: Started, said: str) -> None:
    log, stream = started()
    log.info("%s", said)

    assert "0a1b2c3d" not in stream.getvalue()
    assert "maria" not in stream.getvalue()


def test_a_traceback_is_a_name_and_a_long_message_is_cut(started: Started) -> None:
    log, stream = started()
    try:
        raise ValueError("maria-07")
    except ValueError:
        log.exception("it failed")
    log.info("x" * 10_000)

    first, second = stream.getvalue().splitlines()
    assert first.endswith("it failed: ValueError")
    assert len(second) < MAX_CHARS + 100


def test_the_level_can_be_changed_while_it_runs(started: Started) -> None:
    log, stream = started(LogSettings(level="error"))
    log.info("unheard")
    set_level(LogSettings(level="debug"))
    log.debug("heard")

    assert "unheard" not in stream.getvalue()
    assert "heard" in stream.getvalue()
