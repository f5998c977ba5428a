"""A phantom on disk: whole or not there, readable by the device, and true to the subject it came from."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from calib.cli import main
from calib.phantom.depth_camera import render_frames
from calib.phantom.mount import straight_view
from calib.phantom.sampler import sample_subject
from calib.phantom.scene import FILES, fitting_view, write_phantom
from calib.phantom.truth import angles_of, pelvis_of
from edge.camera import open_camera
from edge.errors import OutputError
from edge.measure.angles import sagittal_angles
from edge.view.gates import Refusal
from edge.view.see import see

SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One phantom with two frames of a small camera."""
    out = tmp_path_factory.mktemp("phantom") / "seven"
    return write_phantom(SEED, "typical", out, frames=2, view=straight_view("D435i 848x480"))


def test_the_folder_holds_the_four_files_and_nothing_else(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_the_recording_is_what_a_device_reads_and_accepts(folder: Path) -> None:
    with open_camera(f"file:{folder / 'recording.mcap'}") as camera:
        first, second, end = camera.read(), camera.read(), camera.read()

    assert first is not None
    assert second is not None
    assert end is None
    assert first.depth_m.shape == (848, 480)
    assert first.colour is not None
    assert not isinstance(see(first), Refusal)


def test_the_truth_is_measured_on_the_endplates_that_stand_beside_it(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    rims = np.array([[rim[p] for p in ("anterior", "posterior", "left", "right")]
                     for rim in truth["landmarks_mm"].values()])

    measured = {f"{name}_deg": value for name, value in sagittal_angles(rims).items()}

    assert rims.shape == (37, 4, 3)
    for name, value in measured.items():
        assert truth["angles"][name] == pytest.approx(value, abs=0.02)
    assert truth["angles"]["cobb_major_deg"] == truth["coronal"]["cobb_major_deg"]
    assert truth["angles_photo"] != truth["angles"]  # the posture changed between photograph and radiograph
    assert np.array(truth["camera_from_subject"]).shape == (2, 4, 4)


def test_pelvic_incidence_is_the_sum_of_slope_and_tilt() -> None:
    spine = sample_subject(3, "typical").spine_radiograph
    pelvis = pelvis_of(spine)

    assert pelvis["pelvic_incidence_deg"] == pytest.approx(
        pelvis["sacral_slope_deg"] + pelvis["pelvic_tilt_deg"], abs=1e-3
    )
    assert pelvis["sacral_slope_deg"] == pytest.approx(angles_of(spine)["sacral_slope_deg"], abs=0.01)


def test_the_radiograph_has_sixteen_bits_and_the_preview_three_colours(folder: Path) -> None:
    film = cv2.imread(str(folder / "radiograph.png"), cv2.IMREAD_UNCHANGED)
    picture = cv2.imread(str(folder / "preview.png"), cv2.IMREAD_UNCHANGED)

    assert film is not None
    assert film.dtype == np.uint16
    assert film.ndim == 2
    assert film.max() > 2000
    assert picture is not None
    assert picture.shape[2] == 3


def test_writing_again_gives_the_same_truth_and_replaces_the_old_phantom(folder: Path) -> None:
    before = (folder / "truth.json").read_bytes()
    (folder / "truth.json").write_text("{}")

    write_phantom(SEED, "typical", folder, frames=2, view=straight_view("D435i 848x480"))

    assert (folder / "truth.json").read_bytes() == before


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")

    with pytest.raises(OutputError, match="something else"):
        write_phantom(SEED, "typical", tmp_path, frames=1)

    assert (tmp_path / "thesis.txt").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_leaves_no_half_written_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("calib.phantom.scene.truth_of", full)

    with pytest.raises(OutputError, match="No space left"):
        write_phantom(SEED, "sensor", tmp_path / "out", frames=1, view=straight_view("D435i 848x480"))

    assert list(tmp_path.iterdir()) == []


def test_a_drawn_mount_is_one_that_the_device_accepts() -> None:
    subject = sample_subject(3, "typical")

    view = fitting_view(subject, 3)

    assert not isinstance(see(render_frames(subject, view, 1, 3)[0]), Refusal)
    assert view == fitting_view(subject, 3)


def test_the_command_writes_a_range_of_seeds_in_parallel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["phantom", "--seeds", "3:5", "--tier", "sensor", "--out", str(tmp_path / "many"), "--frames", "1",
                 "--camera", "D435i 848x480", "--jobs", "2"])

    assert code == 0
    assert sorted(p.name for p in (tmp_path / "many").iterdir()) == ["00000003", "00000004"]
    assert "2/2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "9:3"], "A:B"),
        (["--seed", "-4"], "seed"),
        (["--seed", "3", "--frames", "0"], "frames"),
        (["--seed", "3", "--camera", "Kinect"], "Kinect"),
        (["--seed", "3", "--distance", "40"], "distance"),
    ],
)
def test_bad_options_are_told_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["phantom", *arguments, "--out", str(tmp_path / "out")])

    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
