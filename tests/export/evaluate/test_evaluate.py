"""A subject goes through the device's whole path and comes out as a row of the table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calib.phantom.splits import check_split
from edge.camera.mcap_writer import RecordingWriter
from edge.errors import UsageError
from edge.frame import Frame
from edge.runtime.template_runner import template_bundle
from edge.view.back_view import BackView
from edge.view.see import see
from export.cli import main
from export.evaluate import phantom_trials
from export.evaluate.campaign import Campaign, Task, _repeated
from export.evaluate.case import Case, points
from export.evaluate.examine import examine
from export.evaluate.phantom_trials import phantom_trial
from export.evaluate.scan_trials import scan_trials
from export.evaluate.skin_line import surface_angles
from export.evaluate.trial import FrameSource, Trial

SEED, TIER, FRAMES = 1, "sensor", 3
"""A subject before a calm camera: of three frames none may be an outlier, or there is no result to print."""
WriteScan = Callable[..., dict[str, float]]


@pytest.fixture(scope="module")
def trial() -> Trial:
    return phantom_trial(SEED, TIER, FRAMES)


def test_every_repeated_scan_has_frames_left_though_some_are_refused(monkeypatch, tmp_path: Path) -> None:
    def every_other_blank(*args: Any) -> Trial:
        trial = phantom_trial(*args)

        def frames() -> Iterator[Frame]:
            for number, frame in enumerate(iter(trial.open_camera().read, None)):
                yield frame if number % 2 else replace(frame, depth_m=np.zeros_like(frame.depth_m))

        return replace(trial, open_camera=lambda: FrameSource(frames(), "every other blank"))

    monkeypatch.setattr(phantom_trials, "phantom_trial", every_other_blank)
    angles = _repeated(Campaign(None, "", TIER, 1, 1, tmp_path), Task(SEED, repeats=3), template_bundle())
    assert [len(of_scans) for of_scans in angles.values()] == [3] * len(angles)
    assert "sacral_slope" in angles


@pytest.fixture(scope="module")
def case(trial: Trial) -> Case:
    return examine(trial, template_bundle(), FRAMES)[0]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory, write_scan: WriteScan) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    write_scan(folder / "00", seed=3)
    for number in range(1, 4):
        shutil.copytree(folder / "00", folder / f"{number:02d}")
    return folder


def test_a_case_holds_the_device_s_answer_beside_the_truth(trial: Trial, case: Case) -> None:
    with trial.open_camera() as camera:
        frames = list(iter(camera.read, None))
    views = [view for frame in frames if isinstance(view := see(frame), BackView)]

    assert case.answered
    assert case.accepted_frames + case.rejected_frames == FRAMES == len(frames)
    assert set(case.predicted_deg) == set(case.interval_deg) == set(case.sd_deg) == set(case.true_deg)
    np.testing.assert_allclose(case.surface_deg, np.median([surface_angles(v) for v in views], axis=0))
    assert case.about["camera"]
    assert Case.model_validate_json(case.model_dump_json()) == case


def test_the_true_endplates_lie_where_the_device_sees_the_back(case: Case) -> None:
    true = points(case.true_endplates_mm)

    assert true is not None
    assert true.shape == (37, 4, 3)
    assert 20.0 < true[..., 0].mean() < 130.0, "the spine lies in front of the skin"
    assert abs(true[..., 2].mean()) < 30.0, "about the middle of the back"


def test_a_refused_subject_is_a_case_without_an_answer(trial: Trial) -> None:
    with trial.open_camera() as camera:
        frame = camera.read()
    assert frame is not None
    wall = Frame(np.full_like(frame.depth_m, 2.5), None, frame.intrinsics, frame.gravity, 0, 0.0, 0)
    empty = Trial("empty room", lambda: FrameSource(iter([wall]), "wall"), {"sacral_slope": 40.0})

    case, seen = examine(empty, template_bundle(), 1)

    assert "no result" in case.refusal
    assert seen is None
    assert case.predicted_deg == {}


@pytest.mark.parametrize("seeds", [range(99_990, 100_010), range(1_000_000, 1_000_010), range(0)])
def test_only_test_seeds_are_evaluated(seeds: range) -> None:
    with pytest.raises(UsageError, match="not test seeds"):
        check_split(seeds, "test")


def test_scans_are_read_as_they_are_and_as_recordings(scans: Path, tmp_path: Path) -> None:
    scanned = scan_trials(scans, 1)
    with scanned[0].open_camera() as camera:
        frame = camera.read()
    assert frame is not None
    (tmp_path / "07").mkdir()
    with RecordingWriter(tmp_path / "07" / "recording.mcap", frame.intrinsics, frame.gravity) as writer:
        writer.write(frame)
    (tmp_path / "07" / "truth.json").write_text(json.dumps({"angles": {"cobb_major_deg": 12.0}}))

    recorded = scan_trials(tmp_path, 1)

    assert [trial.name for trial in scanned] == ["00", "01", "02", "03"]
    assert recorded[0].true_deg == {"cobb_major": 12.0}
    assert recorded[0].line_mm is None
    with pytest.raises(UsageError, match="no scans"):
        scan_trials(tmp_path / "07", 1)


def test_the_command_prints_the_table_and_writes_the_same_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "e.json"
    arguments = ["evaluate", "--tier", TIER, "--subjects", "1", "--first-seed", str(SEED), "--frames", str(FRAMES)]
    arguments += ["--baselines", str(Path(__file__).parents[3] / "export" / "evaluate" / "shipped" / "typical.json")]

    code = main([*arguments, "--threads", "1", "--json", str(out), "--cache", str(tmp_path / "kept")])

    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "Thoracic kyphosis T4-T12" in printed.out
    assert "population mean" in printed.out
    content = json.loads(out.read_text())
    assert [case["name"] for case in content["cases"]] == [f"seed {SEED}"]
    assert {row["predictor"] for row in content["scores"]} >= {"model", "calibrated skin line", "population mean"}
    assert content["angles"]["sacral_slope"]["mae_deg"] >= 0.0


def test_scans_are_evaluated_with_fits_that_leave_each_one_out_and_drawn(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["evaluate", "--data", f"scans:{scans}", "--frames", "1", "--threads", "1",
                 "--pictures", str(tmp_path / "pictures")])

    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "mean of the others" in printed.out
    assert "skin line, fitted one out" in printed.out
    assert "Line through the vertebral bodies" in printed.out
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["00.png", "01.png", "02.png", "03.png"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--data", "elsewhere"], 2),
        (["--data", "scans:"], 2),
        (["--tier", "sensor", "--baselines", "no/such/file"], 2),
        (["--first-seed", "1000000"], 2),
        (["--pictures", "export"], 2),
        (["--bundle", "no/such/bundle"], 4),
    ],
)
def test_a_wrong_call_is_one_line_and_its_exit_code(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *arguments]) == code

    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Traceback" not in error
