"""A phantom written as a real pair comes back as the sample that the phantom itself would have been."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calib.phantom.depth_camera import true_poses
from calib.phantom.radiograph import render_radiograph
from calib.phantom.sampler import sample_subject
from calib.phantom.scene import fitting_view
from calib.phantom.xray.picture import to_body_grid
from edge.anatomy import ENDPLATE_INDEX
from edge.camera import open_camera
from edge.errors import LatxError, RecordingError, RefusedError, UsageError
from edge.view.back_view import BackView
from edge.view.see import see
from export.cli import main
from export.evaluate.baselines import true_angles
from export.pairs.phantom_pair import write_phantom_pair
from export.train.dataset import validation_batches
from export.train.pairs import PREPARED, PairFolder, read_pair
from export.train.phantom_source import body_shift_mm
from export.train.sample import SampleSource
from export.train.sources import joined

SEED = 4
Changed = Callable[..., Path]


def test_endplates_film_and_angles_survive_the_format(pair: Path) -> None:
    subject = sample_subject(SEED, "sensor")
    truth = subject.spine_radiograph
    with open_camera(f"file:{pair / 'recording.mcap'}") as camera:
        frame = camera.read()
    assert frame is not None
    view = see(frame)
    assert isinstance(view, BackView)
    pose = true_poses(subject, fitting_view(subject, SEED), 1, SEED)[0]
    shift = body_shift_mm(view, pose, truth.centres_mm)

    sample = read_pair(pair)

    assert sample.source == "pair:0001"
    assert sample.endplates_mm is not None
    assert sample.log_attenuation is not None
    np.testing.assert_array_equal(sample.view.surface_x_mm, view.surface_x_mm)
    found = true_angles(sample.endplates_mm.astype(np.float64))
    for name, value in true_angles(truth.endplates_mm).items():
        assert found[name] == pytest.approx(value, abs=0.05), name
    # In the film's plane the markers lead where the spine's own middle leads. Across it, see() may turn the body.
    np.testing.assert_allclose(sample.endplates_mm[..., :2], (truth.endplates_mm + shift)[..., :2], atol=1.5)
    film = to_body_grid(render_radiograph(subject), (float(shift[0]), float(shift[1])))
    both = np.isfinite(sample.log_attenuation)
    assert both.mean() > 0.8
    assert np.corrcoef(sample.log_attenuation[both], film[both])[0, 1] > 0.99


def test_the_markers_place_the_film_to_half_a_millimetre(pair: Path) -> None:
    sample = read_pair(pair)
    subject = sample_subject(SEED, "sensor")
    pose = true_poses(subject, fitting_view(subject, SEED), 1, SEED)[0]
    tips = subject.spine_radiograph.spinous_tips_mm[[0, -1]]
    body_from_subject = sample.view.body_from_camera @ pose
    expected = (tips @ body_from_subject[:3, :3].T + body_from_subject[:3, 3] - tips).mean(axis=0)

    assert sample.endplates_mm is not None
    moved = sample.endplates_mm - subject.spine_radiograph.endplates_mm
    np.testing.assert_allclose(moved, np.broadcast_to(expected, moved.shape), atol=0.5)


@pytest.mark.parametrize(("film", "photograph"), [("dicom-inverted", "still"), ("png", "still")])
def test_every_form_of_a_pair_gives_the_same_sample(pair: Path, tmp_path: Path, film: str, photograph: str) -> None:
    other = write_phantom_pair(SEED, "sensor", tmp_path / "0001", film, photograph, frames=1)

    a, b = read_pair(pair), read_pair(other)

    assert a.endplates_mm is not None
    assert b.endplates_mm is not None
    np.testing.assert_allclose(a.endplates_mm, b.endplates_mm, atol=0.5)
    np.testing.assert_allclose(a.log_attenuation, b.log_attenuation, atol=0.05)
    np.testing.assert_array_equal(a.view.mask, b.view.mask)


def test_a_film_alone_leaves_unknown_what_it_does_not_show(changed: Changed) -> None:
    full, flat = read_pair(changed()), read_pair(changed(endplates_mm=None))

    assert full.endplates_mm is not None
    assert flat.endplates_mm is not None
    assert np.isnan(flat.endplates_mm[..., 2]).all()
    assert np.isnan(flat.endplates_mm[:, 2:]).all()
    np.testing.assert_allclose(flat.endplates_mm[:, :2, :2], full.endplates_mm[:, :2, :2], atol=1e-3)


def test_endplates_that_cannot_be_seen_are_left_out(pair: Path, changed: Changed) -> None:
    marked = json.loads((pair / "endplates.json").read_text())["endplates_px"]
    del marked["T1 superior"]

    sample = read_pair(changed(endplates_px=marked, endplates_mm=None))

    assert sample.endplates_mm is not None
    assert np.isnan(sample.endplates_mm[ENDPLATE_INDEX["T1", "superior"]]).all()
    assert np.isfinite(sample.endplates_mm[ENDPLATE_INDEX["T1", "inferior"], :2, :2]).all()


def test_a_mirrored_film_is_the_same_film(pair: Path, changed: Changed) -> None:
    annotation = json.loads((pair / "endplates.json").read_text())
    folder = changed(
        anterior="right", mm_per_px=1.5,
        markers=[m | {"radiograph_px": [303 - m["radiograph_px"][0], m["radiograph_px"][1]]}
                 for m in annotation["markers"]],
        endplates_px={name: {end: [303 - c, r] for end, (c, r) in corners.items()}
                      for name, corners in annotation["endplates_px"].items()},
        endplates_mm=None,
    )
    (folder / "radiograph.dcm").unlink()
    plain = read_pair(pair)
    steps = np.rint(render_radiograph(sample_subject(SEED, "sensor")).log_attenuation * 8000).clip(0, 65535)
    cv2.imwrite(str(folder / "radiograph.png"), steps.astype(np.uint16)[:, ::-1])

    mirrored = read_pair(folder)

    assert plain.endplates_mm is not None
    assert mirrored.endplates_mm is not None
    np.testing.assert_allclose(mirrored.endplates_mm[:, :2, :2], plain.endplates_mm[:, :2, :2], atol=0.01)
    np.testing.assert_allclose(mirrored.log_attenuation, plain.log_attenuation, atol=0.05)


def test_a_marker_may_be_a_pixel_of_the_photograph(pair: Path, changed: Changed) -> None:
    with open_camera(f"file:{pair / 'recording.mcap'}") as camera:
        frame = camera.read()
    assert frame is not None
    row, col = 500, 360
    k, z = frame.intrinsics, float(np.median(frame.depth_m[row - 2 : row + 3, col - 2 : col + 3])) * 1000.0
    at = {"name": "bead", "radiograph_px": [150, 200]}

    by_pixel = read_pair(changed(markers=[at | {"camera_px": [col, row]}]))
    by_place = read_pair(changed(markers=[at | {"camera_mm": [(col - k.cx) / k.fx * z, (row - k.cy) / k.fy * z, z]}]))

    np.testing.assert_allclose(by_pixel.endplates_mm, by_place.endplates_mm, atol=1e-3)


def test_a_pair_without_a_film_still_has_endplates(changed: Changed) -> None:
    folder = changed(mm_per_px=1.5)
    (folder / "radiograph.dcm").unlink()

    sample = read_pair(folder)

    assert sample.log_attenuation is None
    assert sample.endplates_mm is not None
    assert np.isfinite(sample.endplates_mm).all()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"schema_version": "latx-pair/9"}, "does not fit"),
        ({"markers": []}, "does not fit"),
        ({"markers": [{"name": "C7", "radiograph_px": [1, 1]}]}, "exactly one of camera_px and camera_mm"),
        ({"markers": [{"name": "C7", "radiograph_px": [1, 1], "camera_px": [5000, 9000]}]}, "no depth at the marker"),
        ({"markers": [{"name": "C7", "radiograph_px": [0, 0], "camera_mm": [0, 0, 1200]},
                      {"name": "S1", "radiograph_px": [0, 0], "camera_mm": [0, 400, 1200]}]}, "contradict each other"),
        ({"endplates_px": {"T13 superior": {"anterior": [0, 0], "posterior": [1, 1]}}}, "unknown endplates T13"),
        ({"endplates_px": {"T4 superior": {"anterior": [0, 0]}}}, "does not fit"),
        ({"patient_name": "somebody"}, "does not fit"),
    ],
)
def test_a_wrong_annotation_is_refused_with_the_field(changed: Changed, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(RecordingError, match=says):
        read_pair(changed(**fields))


def test_missing_and_damaged_files_are_refused(pair: Path, tmp_path: Path) -> None:
    still = write_phantom_pair(SEED, "sensor", tmp_path / "still", "png", "still", frames=1)
    for gone, says in (("intrinsics.json", "missing"), ("depth.png", "no photograph"), ("endplates.json", "missing")):
        folder = tmp_path / gone
        shutil.copytree(still, folder)
        (folder / gone).unlink()
        with pytest.raises(RecordingError, match=says):
            read_pair(folder)
    cv2.imwrite(str(still / "depth.png"), np.zeros((10, 10), np.uint16))
    with pytest.raises(RecordingError, match="another size"):
        read_pair(still)
    cv2.imwrite(str(still / "depth.png"), np.zeros((1280, 720), np.uint8))
    with pytest.raises(RecordingError, match="not a depth image"):
        read_pair(still)


def test_an_empty_room_is_refused_by_its_reason(tmp_path: Path) -> None:
    still = write_phantom_pair(SEED, "sensor", tmp_path / "still", "png", "still", frames=1)
    depth = cv2.imread(str(still / "depth.png"), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(still / "depth.png"), np.zeros_like(depth))

    with pytest.raises(RefusedError, match=r"missing_depth|no_subject"):
        read_pair(still)


def test_a_folder_of_pairs_is_a_source_of_samples(pair: Path, made_source: Callable[..., SampleSource]) -> None:
    source = PairFolder(pair.parent)

    assert isinstance(source, SampleSource)
    assert len(source) == 1
    assert source.has_radiograph == [True]
    both = joined([made_source([10.0, 20.0])], pair.parent)
    assert len(both) == 3
    batch = next(iter(validation_batches(both, 3)))
    assert batch["back_view"].shape == (3, 8, 256, 128)
    assert batch["log_attenuation"].shape == (3, 1, 512, 256)


def test_a_prepared_pair_is_read_back_as_it_was_until_its_files_change(changed: Changed) -> None:
    folder = changed()
    first = PairFolder(folder.parent)[0]
    kept = folder.parent / PREPARED / "0001.npz"
    assert kept.is_file()

    again = PairFolder(folder.parent)[0]
    np.testing.assert_array_equal(first.view.surface_x_mm, again.view.surface_x_mm)
    np.testing.assert_array_equal(first.endplates_mm, again.endplates_mm)
    np.testing.assert_array_equal(first.log_attenuation, again.log_attenuation)
    np.testing.assert_array_equal(first.view.colour, again.view.colour)

    changed(endplates_mm=None)
    flat = PairFolder(folder.parent)[0]
    assert flat.endplates_mm is not None
    assert np.isnan(flat.endplates_mm).any()
    kept.write_bytes(b"cut")
    assert PairFolder(folder.parent)[0].source == "pair:0001"


def test_refused_photographs_are_named_and_left_out(
    pair: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(pair, tmp_path / "0001")
    still = write_phantom_pair(SEED, "sensor", tmp_path / "0002", "png", "still", frames=1)
    depth = cv2.imread(str(still / "depth.png"), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(still / "depth.png"), np.zeros_like(depth))

    assert len(PairFolder(tmp_path)) == 1
    assert "0002" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "0001")
    with pytest.raises(UsageError, match="no pair can be used"):
        PairFolder(tmp_path)


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_a_folder_without_pairs_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match="no pairs"):
        PairFolder(tmp_path / name)


def test_the_command_writes_pairs_and_never_over_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["pairs", "--seeds", f"{SEED}:{SEED + 1}", "--tier", "sensor", "--frames", "1", "--out", str(tmp_path)]

    assert main(arguments) == 0
    assert sorted(p.name for p in (tmp_path / "00000004").iterdir()) == [
        "endplates.json", "radiograph.dcm", "recording.mcap",
    ]
    assert main(arguments) == 6
    assert "is there already" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["00000004"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(LatxError, match="No space left"):
        write_phantom_pair(SEED, "sensor", tmp_path / "0001", "png", "still", frames=1)
    assert list(tmp_path.iterdir()) == []
