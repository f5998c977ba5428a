from __future__ import annotations

import pytest

from edge.doctor import checks
from edge.doctor.checks import CHECKS, Check, check_up
from edge.doctor.finding import Finding, error, ok, warning
from edge.doctor.report import MARKS, as_json, line, summary, worst
from edge.errors import RecordingError


def test_every_check_has_a_name_of_its_own_and_the_self_test_is_for_the_full_check_up() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert [check.name for check in CHECKS if check.only_full] == ["self-test"]


def test_a_check_that_breaks_is_a_finding_and_stops_no_other(make_kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_):
        raise ZeroDivisionError("by zero")

    def refuses(_):
        raise RecordingError("gone", mend="plug it in")

    table = (Check("a", breaks), Check("b", refuses), Check("c", lambda _: None), Check("d", lambda _: ok("fine")))
    monkeypatch.setattr(checks, "CHECKS", table)
    found = dict(check_up(make_kiosk()))
    assert {name: finding.level for name, finding in found.items()} == {"a": "error", "b": "error", "d": "ok"}
    assert "ZeroDivisionError" in found["a"].what
    assert found["b"].mend == "plug it in"


def test_the_worst_finding_counts() -> None:
    assert worst([]) == "ok"
    assert worst([ok("x"), warning("y", "z")]) == "warning"
    assert worst([error("x", "y"), ok("z")]) == "error"
    assert summary([ok("x"), ok("y"), error("z", "m")]) == "2 ok, 0 warning, 1 error"


def test_a_finding_is_one_line_with_its_mend() -> None:
    text = line("disk", Finding("error", "full", "empty it"))
    assert text.startswith(MARKS["error"])
    assert text.endswith("full -> empty it")
    assert "\n" not in text


def test_the_report_holds_everything_and_names_nobody(make_kiosk) -> None:
    import socket

    found = as_json({"disk": ok("room", free_mb=3)}, full=True)
    assert found["level"] == "ok"
    assert found["findings"][0]["values"] == {"free_mb": 3}
    assert socket.gethostname() not in str(found)
