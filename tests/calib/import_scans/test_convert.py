"""A scanned back comes out as a recording that the device accepts, upright, with its spine where it was marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calib.cli import main
from calib.import_scans.scan import load_scan
from edge.camera import open_camera
from edge.errors import RecordingError
from edge.measure.centreline import tangent_angles
from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW
from edge.view.see import see

WriteScan = Callable[..., dict[str, float]]


def test_the_device_accepts_the_recording_and_the_line_keeps_its_angles(write_scan: WriteScan, tmp_path: Path) -> None:
    angles = write_scan(tmp_path / "in" / "07")

    code = main(["import", "scans", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--frames", "3"])

    assert code == 0
    truth = json.loads((tmp_path / "out" / "07" / "truth.json").read_text())
    assert truth["angles"] == pytest.approx(angles)
    with open_camera(f"file:{tmp_path / 'out' / '07' / 'recording.mcap'}") as camera:
        frames = list(iter(camera.read, None))
    assert len(frames) == 3
    assert frames[0].colour is None
    np.testing.assert_allclose(frames[0].gravity, [0, 1, 0], atol=1e-9)
    assert not np.array_equal(frames[0].depth_m, frames[1].depth_m), "every frame has its own noise"
    view = see(frames[0])
    assert isinstance(view, BackView), view
    line = np.array(truth["centreline_camera_mm"])
    body = line @ view.body_from_camera[:3, :3].T + view.body_from_camera[:3, 3]
    assert tangent_angles(body) == pytest.approx(
        (angles["centreline_kyphosis_deg"], angles["centreline_lordosis_deg"]), abs=1.5
    )
    rows = np.flatnonzero(view.mask[:, 64])
    skin_x = np.interp(-body[:, 1], -BACK_VIEW.y_of(rows), view.surface_x_mm[rows, 64])
    assert (body[:, 0] > skin_x + 10.0).all(), "the vertebral bodies lie in front of the skin"


def test_the_same_scan_gives_the_same_recording(write_scan: WriteScan, tmp_path: Path) -> None:
    write_scan(tmp_path / "in" / "07")
    for out in ("a", "b"):
        main(["import", "scans", str(tmp_path / "in"), "--out", str(tmp_path / out), "--frames", "2"])

    frames = []
    for out in ("a", "b"):
        with open_camera(f"file:{tmp_path / out / '07' / 'recording.mcap'}") as camera:
            camera.read()
            frames.append(camera.read())
    assert frames[0] is not None
    assert frames[1] is not None
    np.testing.assert_array_equal(frames[0].depth_m, frames[1].depth_m)


def test_a_damaged_subject_is_named_and_the_others_are_imported(
    write_scan: WriteScan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(tmp_path / "in" / "07")
    (tmp_path / "in" / "08").mkdir()
    (tmp_path / "in" / "08" / "spine.json").write_text("{")

    code = main(["import", "scans", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--frames", "1"])

    assert code == RecordingError.exit_code
    assert (tmp_path / "out" / "07" / "recording.mcap").exists()
    assert not (tmp_path / "out" / "08").exists()
    error = capsys.readouterr().err
    assert "08" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("arguments", [["--frames", "0"], []])
def test_a_wrong_call_is_a_usage_error(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "empty").mkdir()

    assert main(["import", "scans", str(tmp_path / "empty"), "--out", str(tmp_path / "out"), *arguments]) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("xray_from_scan", np.eye(3).tolist(), "spine.json does not fit"),
        ("xray_from_scan", (1.1 * np.eye(4)).tolist(), "not a rigid motion"),
        ("xray_from_scan", np.diag([1.0, 1.0, -1.0, 1.0]).tolist(), "not a rigid motion"),
        ("centreline_mm", [[0.0, 0.0, 0.0]], "spine.json does not fit"),
        ("primary_cobb_deg", None, "spine.json does not fit"),
    ],
)
def test_a_wrong_spine_file_is_refused(
    write_scan: WriteScan, tmp_path: Path, field: str, value: object, says: str
) -> None:
    write_scan(tmp_path / "07")
    path = tmp_path / "07" / "spine.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))

    with pytest.raises(RecordingError, match=says):
        load_scan(tmp_path / "07")


def test_a_scan_in_millimetres_is_refused(write_scan: WriteScan, tmp_path: Path) -> None:
    write_scan(tmp_path / "07")
    path = tmp_path / "07" / "scan.ply"
    head, mark, body = path.read_bytes().partition(b"end_header\n")
    path.write_bytes(head + mark + (np.frombuffer(body, "<f4") * 1000).astype("<f4").tobytes())

    with pytest.raises(RecordingError, match="not as tall as a back"):
        load_scan(tmp_path / "07")
