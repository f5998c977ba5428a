"""The PLY reader reads what scanners write, and refuses everything else in a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calib.import_scans.ply import read_ply_points
from edge.errors import RecordingError

POINTS = np.array([[0.1, -0.2, 1.0], [0.3, 0.4, 1.1], [-0.5, 0.6, 1.25], [0.0, 0.0, 1.5]], np.float32)
HEAD = "ply\nformat binary_little_endian 1.0\ncomment made here\nelement vertex 4\n"
XYZ = "property float x\nproperty float y\nproperty float z\n"


def test_binary_points_come_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes((HEAD + XYZ + "end_header\n").encode() + POINTS.tobytes())

    np.testing.assert_array_equal(read_ply_points(path), POINTS.astype(np.float64))


def test_other_properties_and_faces_are_left_alone(tmp_path: Path) -> None:
    head = HEAD + "property float nx\n" + XYZ + "property uchar red\nelement face 1\n"
    head += "property list uchar int vertex_indices\nend_header\r\n"
    record = np.zeros(4, np.dtype([("nx", "<f4"), ("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1")]))
    record["x"], record["y"], record["z"] = POINTS.T
    path = tmp_path / "a.ply"
    path.write_bytes(head.replace("\r", "").encode() + record.tobytes() + b"\x03" + bytes(12))

    np.testing.assert_array_equal(read_ply_points(path), POINTS.astype(np.float64))


def test_ascii_points_are_read_and_those_that_are_not_finite_dropped(tmp_path: Path) -> None:
    rows = "\n".join(" ".join(str(v) for v in row) for row in POINTS.tolist()[:3])
    path = tmp_path / "a.ply"
    path.write_text(HEAD.replace("binary_little_endian", "ascii") + XYZ + f"end_header\n{rows}\nnan 0 0\n")

    np.testing.assert_allclose(read_ply_points(path), POINTS[:3], rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a PLY file"),
        (b"solid stl\n", "not a PLY file"),
        (HEAD.encode(), "not a PLY file"),
        (HEAD.replace("little", "big").encode() + XYZ.encode() + b"end_header\n", "unreadable PLY format"),
        ((HEAD + "property float x\nend_header\n").encode(), "no points"),
        ((HEAD + "property list uchar int x\nend_header\n").encode(), "a vertex property that no point has"),
        ((HEAD + XYZ + "end_header\n").encode() + POINTS.tobytes()[:-5], "cut short"),
        (HEAD.replace("binary_little_endian", "ascii").encode() + XYZ.encode() + b"end_header\n1 2 3\n", "cut short"),
        ((HEAD + XYZ + "end_header\n").encode() + np.full((4, 3), np.nan, "<f4").tobytes(), "too few finite points"),
    ],
)
def test_anything_else_is_refused_with_its_place_and_a_way_out(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "bad.ply"
    path.write_bytes(content)

    with pytest.raises(RecordingError, match=says) as refusal:
        read_ply_points(path)

    assert refusal.value.where == str(path)
    assert refusal.value.mend


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be read"):
        read_ply_points(tmp_path / "none.ply")
