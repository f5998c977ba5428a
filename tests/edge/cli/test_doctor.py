from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge.cli import main
from edge.doctor.checks import CHECKS


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_prints_one_line_a_finding_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--camera", "demo"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len([check for check in CHECKS if not check.only_full]) + 1
    assert all(re.match(r"(ok|WARNING|ERROR) +\S", text) for text in lines[:-1])
    assert lines[-1].endswith("0 error")


def test_an_error_is_exit_code_8_and_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--camera", "file:nothing.mcap", "--json"]) == 8
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert report["level"] == "error"
    bad = [finding for finding in report["findings"] if finding["level"] == "error"]
    assert [finding["check"] for finding in bad] == ["camera"]
    assert all(finding["mend"] for finding in report["findings"] if finding["level"] != "ok")


def test_a_full_check_up_measures_the_demonstration_for_real_and_writes_its_report(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = elsewhere / "config.toml"
    path.write_text('version = 1\n[camera]\nuri = "demo"\n[model]\nthreads = 1\n')
    assert main(["doctor", "--config", str(path), "--full"]) == 0
    report = json.loads((elsewhere / "doctor.json").read_text())
    assert "doctor.json" in capsys.readouterr().out
    assert report["full"] is True
    found = {finding["check"]: finding for finding in report["findings"]}
    assert set(found) == {check.name for check in CHECKS}
    values = found["self-test"]["values"]
    assert values["runtime"].startswith("onnxruntime")
    assert values["from_onnxruntime_deg"] == 0
    for name in ("thoracic_kyphosis_t4_t12", "lumbar_lordosis_l1_s1", "sacral_slope"):
        assert abs(values["angles_deg"][name] - values["true_deg"][name]) < 15, name


def test_the_configuration_is_that_of_the_file(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = elsewhere / "config.toml"
    path.write_text('version = 1\n[camera]\nuri = "demo:loop"\n')
    assert main(["doctor", "--config", str(path), "--report", "out.json"]) == 0
    assert f"{path} is good" in capsys.readouterr().out
    assert (elsewhere / "out.json").is_file()


def test_a_wrong_configuration_is_said_as_everywhere(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = elsewhere / "config.toml"
    path.write_text("version = 1\n[camera]\nurl = 3\n")
    assert main(["doctor", "--config", str(path)]) == 2
    assert "url" in capsys.readouterr().err
