"""A phantom goes through the device's whole path and comes out as a row of the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calib.phantom.scene import write_phantom
from edge.camera import open_camera
from edge.camera.mcap_writer import RecordingWriter
from edge.errors import UsageError
from edge.runtime.template_runner import template_bundle
from edge.view.back_view import BackView
from edge.view.see import see
from export.cli import main
from export.evaluate.case import evaluate_recording
from export.evaluate.skin_line import surface_angles
from export.evaluate.subjects import phantom_recordings, scan_recordings

SEED, TIER, FRAMES = 3, "sensor", 3


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder that already holds the subject."""
    folder = tmp_path_factory.mktemp("work")
    (folder / TIER).mkdir()
    write_phantom(SEED, TIER, folder / TIER / f"{SEED:08d}", FRAMES)
    return folder


@pytest.fixture
def recording(work: Path) -> Path:
    return work / TIER / f"{SEED:08d}" / "recording.mcap"


def test_a_case_holds_the_device_s_answer_beside_the_truth(recording: Path) -> None:
    case = evaluate_recording("made", recording, template_bundle(), FRAMES)

    truth = json.loads((recording.parent / "truth.json").read_text())["angles"]
    assert case.refusal == ""
    assert case.accepted_frames + case.rejected_frames == FRAMES
    assert case.true_deg["sacral_slope"] == truth["sacral_slope_deg"]
    assert set(case.predicted_deg) == set(case.interval_deg) == set(case.true_deg)
    with open_camera(f"file:{recording}") as camera:
        frames = list(iter(camera.read, None))
    views = [see(frame) for frame in frames]
    expected = np.median([surface_angles(v) for v in views if isinstance(v, BackView)], axis=0)
    np.testing.assert_allclose(case.surface_deg, expected)


def test_a_refused_subject_is_a_case_without_an_answer(recording: Path, tmp_path: Path) -> None:
    with open_camera(f"file:{recording}") as camera:
        frame = camera.read()
    assert frame is not None
    with RecordingWriter(tmp_path / "recording.mcap", frame.intrinsics, frame.gravity) as writer:
        for number in range(FRAMES):
            empty = np.full_like(frame.depth_m, 2.5)
            writer.write(
                type(frame)(empty, None, frame.intrinsics, frame.gravity, frame.captured_at_ns + number * 10**8,
                            frame.device_time_ms + 100.0 * number, number)
            )
    (tmp_path / "truth.json").write_text((recording.parent / "truth.json").read_text())

    case = evaluate_recording("empty room", tmp_path / "recording.mcap", template_bundle(), FRAMES)

    assert "no result" in case.refusal
    assert dict(case.predicted_deg) == {}


def test_a_recording_without_truth_is_refused(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "recording.mcap").write_bytes(recording.read_bytes())

    with pytest.raises(UsageError, match="no truth"):
        evaluate_recording("made", tmp_path / "recording.mcap", template_bundle(), FRAMES)


def test_a_subject_that_is_there_is_not_rendered_again(work: Path, recording: Path) -> None:
    before = recording.stat().st_mtime_ns

    found = list(phantom_recordings(range(SEED, SEED + 1), TIER, FRAMES, work))

    assert found == [(f"seed {SEED}", recording)]
    assert recording.stat().st_mtime_ns == before


@pytest.mark.parametrize("seeds", [range(99_999, 100_001), range(1_000_000, 1_000_002), range(-1, 2), range(3, 3)])
def test_only_test_seeds_are_evaluated(seeds: range, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not test seeds"):
        next(phantom_recordings(seeds, TIER, FRAMES, tmp_path))


def test_scans_are_found_by_their_recordings(work: Path, recording: Path, tmp_path: Path) -> None:
    assert scan_recordings(work / TIER) == [(f"{SEED:08d}", recording)]
    with pytest.raises(UsageError, match="latx-calib import scans"):
        scan_recordings(tmp_path)


def test_the_command_prints_the_table_and_writes_the_same_as_json(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "e.json"
    arguments = ["evaluate", "--tier", TIER, "--subjects", "1", "--first-seed", str(SEED), "--frames", str(FRAMES)]
    arguments += ["--baselines", str(Path(__file__).parents[3] / "export" / "evaluate" / "shipped" / "typical.json")]

    code = main([*arguments, "--work", str(work), "--threads", "1", "--json", str(out)])

    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "Thoracic kyphosis T4-T12" in printed.out
    assert "population mean" in printed.out
    content = json.loads(out.read_text())
    assert [case["name"] for case in content["cases"]] == [f"seed {SEED}"]
    assert {row["predictor"] for row in content["scores"]} == {"model", "calibrated skin line", "population mean"}


def test_scans_are_evaluated_with_fits_that_leave_each_one_out(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        (tmp_path / f"{number:02d}").symlink_to(work / TIER / f"{SEED:08d}")

    code = main(["evaluate", "--data", f"scans:{tmp_path}", "--frames", "1", "--threads", "1"])

    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "mean of the others" in printed.out
    assert "skin line, fitted one out" in printed.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--data", "elsewhere"], 2),
        (["--data", "scans:"], 2),
        (["--tier", "sensor"], 2),
        (["--first-seed", "1000000"], 2),
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
