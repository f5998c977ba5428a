"""One thing is changed at a time, and what changes is what the row says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calib.phantom.appearance import draw_appearance
from calib.phantom.depth_camera import iterate_frames, true_poses
from calib.phantom.mount import straight_view
from calib.phantom.sampler import sample_subject
from edge.frame import Frame
from export.cli import main
from export.evaluate import robustness
from export.evaluate.case import Case
from export.evaluate.robustness import CONDITIONS, altered_trial, condition_named
from export.evaluate.robustness_table import robustness_rows, robustness_text

SEED, TIER = 3, "typical"


def frame_of(name: str) -> Frame:
    with altered_trial(condition_named(name), SEED, TIER, 1).open_camera() as camera:
        frame = camera.read()
    assert frame is not None
    return frame


@pytest.fixture(scope="module")
def plain() -> Frame:
    return frame_of(CONDITIONS[0].name)


def test_every_condition_has_a_name_of_its_own() -> None:
    assert len({condition.name for condition in CONDITIONS}) == len(CONDITIONS)


@pytest.mark.parametrize(("label", "share"), [("10 %, specks of 1-2 cm", 0.1), ("30 %, a hand's breadth", 0.3)])
def test_so_much_depth_is_missing(plain: Frame, label: str, share: float) -> None:
    holed = frame_of(f"missing depth: {label}").depth_m
    assert np.mean(holed[plain.depth_m > 0] == 0) == pytest.approx(share, abs=0.08)
    assert (holed[holed > 0] == plain.depth_m[holed > 0]).all()


def test_darkness_and_marks_leave_the_depth_as_it_is(plain: Frame) -> None:
    dark, marked = frame_of("light: darkness: no colour"), frame_of("colour: scars, tattoos, plasters")
    assert dark.colour is None
    np.testing.assert_array_equal(dark.depth_m, plain.depth_m)
    np.testing.assert_array_equal(marked.depth_m, plain.depth_m)
    assert 0.001 < np.mean(marked.colour != plain.colour) < 0.2


def test_the_sun_makes_depth_noisier(plain: Frame) -> None:
    lit = frame_of("light: sun: 6 mm noise at 1 m, 20 % lost").depth_m
    both = (lit > 0) & (plain.depth_m > 0) & (plain.depth_m < 1.6)
    assert 0.006 < np.std(lit[both] - plain.depth_m[both]) < 0.02


def test_a_subject_holds_arms_and_hair_as_it_is_told() -> None:
    subject = sample_subject(SEED, TIER)
    spread = condition_named("arms: one spread, one close").subject
    hair = condition_named("hair: long, over the back").subject
    assert spread is not None
    assert hair is not None
    left, right = draw_appearance(spread(subject)).arms
    assert (left.abduction_deg, right.abduction_deg) == (6.0, 28.0)
    assert draw_appearance(hair(subject)).hair_style == "long"
    assert draw_appearance(hair(subject)).arms == draw_appearance(subject).arms


def test_a_told_breath_moves_the_back_and_a_held_one_does_not() -> None:
    subject, view = sample_subject(SEED, "sensor"), straight_view("D435i 848x480")

    def depths(name: str | None) -> np.ndarray:
        told = condition_named(name).subject if name else None
        frames = iterate_frames(told(subject) if told else subject, view, 3, SEED, colour=False, frame_rate_hz=1.0)
        return np.stack([frame.depth_m[300:400, 200:280] for frame in frames])

    np.testing.assert_array_equal(depths("breathing: held"), depths(None))
    moved_mm = 1e3 * np.abs((depths("breathing: deep (8 mm)") - depths(None)).mean(axis=(1, 2)))
    assert 0.5 < moved_mm.max() < 6.0, "at the edge of a shoulder by more than the breath itself"


def test_frames_and_poses_can_be_a_quarter_of_a_second_apart() -> None:
    subject, view = sample_subject(SEED, TIER), straight_view("D435i 848x480")
    slow = [f.device_time_ms for f in iterate_frames(subject, view, 3, SEED, colour=False, frame_rate_hz=4.0)]
    assert slow == [0.0, 250.0, 500.0]
    np.testing.assert_allclose(true_poses(subject, view, 16, SEED)[15], true_poses(subject, view, 5, SEED, 4.0)[4])


def test_changes_are_told_against_the_plain_view_of_the_same_subjects() -> None:
    true = dict.fromkeys(("thoracic_kyphosis_t4_t12", "lumbar_lordosis_l1_s1", "sacral_slope", "cobb_major"), 30.0)

    def case(name: str, off: float) -> Case:
        return Case(name=name, true_deg=true, predicted_deg={k: v + off for k, v in true.items()})

    refused = Case(name="b", true_deg=true, refusal="no result: 2 frames refused as turned: seen from the side")
    rows = robustness_rows({CONDITIONS[0]: [case("a", 1.0), case("b", 9.0)], CONDITIONS[1]: [case("a", -3.0), refused]})

    assert rows[0]["mae_deg"]["sacral_slope"] == 5.0
    assert rows[1]["mae_deg"]["sacral_slope"] == 3.0
    assert rows[1]["mae_change_deg"]["sacral_slope"] == 2.0, "of subject a alone"
    assert rows[1]["median_moved_deg"]["sacral_slope"] == 4.0
    assert rows[1]["refused"] == {"turned": 1}
    assert "1 turned" in robustness_text(rows, "title")


def test_the_command_takes_up_what_it_left_and_prints_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = (CONDITIONS[0], condition_named("light: darkness: no colour"))
    monkeypatch.setattr(robustness, "CONDITIONS", few)
    arguments = ["evaluate", "--robustness", "--subjects", "1", "--first-seed", str(SEED), "--frames", "1",
                 "--threads", "1", "--cache", str(tmp_path / "kept"), "--json", str(tmp_path / "r.json")]

    assert main(arguments) == 0
    first = (tmp_path / "r.json").read_text()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()}
    assert main(arguments) == 0

    assert "darkness" in capsys.readouterr().out
    assert (tmp_path / "r.json").read_text() == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()} == kept
    assert [row["subjects"] for row in json.loads(first)["rows"]] == [1, 1]
