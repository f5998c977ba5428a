"""The shape of a back is read as it was made, and scans stand beside phantoms in one table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW
from export.cli import main
from export.evaluate.back_shape import BackShape, back_shape, shape_of
from export.evaluate.scan_trials import scan_trials
from export.evaluate.shape_table import shape_text

WriteScan = Callable[..., dict[str, float]]
TRUE = {"cobb_major": 20.0, "centreline_kyphosis": 40.0, "centreline_lordosis": 30.0}


def made_shape(turn_deg: float = 0.0, spinous_share: float = 0.5, lean_deg: float = 0.0, top_mm: float = 600.0,
               bow_mm: float = 0.0) -> BackShape:
    """A flat back seen up to ``top_mm``, turned about the vertical, over a spine that bows 30 mm to the right."""
    z, height = BACK_VIEW.cols_u_mm, BACK_VIEW.rows_y_mm[:, None]
    surface = (np.tan(np.radians(lean_deg)) * height - np.tan(np.radians(turn_deg)) * z).astype(np.float32)
    mask = (np.abs(z) < 120.0) & (height <= top_mm)
    view = BackView(np.where(mask, surface, 0).astype(np.float32), mask, None, np.eye(4))
    y = np.linspace(20.0, -400.0, 60)
    arch = np.sin(np.linspace(0, np.pi, 60))
    line = np.stack([70.0 + bow_mm * arch, y, 30.0 * arch], axis=1)
    spinous = line * [0.0, 1.0, spinous_share]
    shape = shape_of("made", view, line, spinous, TRUE)
    assert shape is not None
    return shape


def test_depth_turn_and_the_spinous_line_are_read_as_they_were_made() -> None:
    shape = made_shape(turn_deg=8.0, spinous_share=0.4)

    np.testing.assert_allclose(shape.depth_mm, 70.0, atol=1.0)
    np.testing.assert_allclose(shape.turn_deg, 8.0, atol=0.3)
    np.testing.assert_allclose(shape.flanks_mm[:2], 0.0, atol=1.0)
    assert shape.spinous_slope == pytest.approx(0.4)
    assert shape.roughness_mm == pytest.approx(0.0, abs=0.05)


def test_lean_and_bow_are_read_as_they_were_made_where_the_back_is_seen() -> None:
    shape = made_shape(lean_deg=12.0, bow_mm=-20.0)
    cut = made_shape(lean_deg=12.0, top_mm=25.0)  # 5 mm above the column's end

    np.testing.assert_allclose([shape.nape_deg, *shape.lean_deg], 12.0, atol=0.2)
    np.testing.assert_allclose(shape.bow_mm[[0, 4, 9]], [-3.1, -19.8, -3.1], atol=0.2)
    np.testing.assert_allclose(cut.lean_deg, 12.0, atol=0.2)
    assert np.isnan(cut.nape_deg)


def test_a_back_without_a_spinous_line_has_no_slope() -> None:
    shape = made_shape(spinous_share=0.0)

    assert np.isnan(shape.spinous_slope)


def test_what_lies_apart_is_marked_and_what_agrees_is_not() -> None:
    real = [made_shape(turn_deg=t) for t in (0.0, 1.0, 2.0)]
    deep = [dataclasses.replace(shape, inclination_deg=float(i)) for i, shape in enumerate(real, start=20)]

    same, other = shape_text(real, real, "typical"), shape_text(real, deep, "typical")

    row = "inclination of the spine"
    assert not next(line for line in same.splitlines() if line.startswith(row)).endswith("*")
    assert next(line for line in other.splitlines() if line.startswith(row)).endswith("*")


def test_a_height_at_which_backs_lie_apart_is_marked_alone() -> None:
    real = [made_shape(turn_deg=t) for t in (0.0, 1.0, 2.0)]
    apart = 4.0 * (np.arange(10) == 3)
    deep = [dataclasses.replace(s, depth_mm=s.depth_mm + apart + k - 1) for k, s in enumerate(real)]

    marks = [cell.endswith("*") for line in shape_text(real, deep, "typical").splitlines()
             if line.lstrip().startswith("typical mean") for cell in line.split()[2:]]

    assert marks[:10] == (apart > 0).tolist()
    assert not any(marks[10:])


def test_the_command_compares_scans_with_phantoms(
    tmp_path: Path, write_scan: WriteScan, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        write_scan(tmp_path / f"{number:02d}", seed=number)
    assert back_shape(scan_trials(tmp_path, 1)[0]) is not None

    code = main(["shapes", str(tmp_path), "--tier", "sensor", "--subjects", "2"])

    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "2 scans beside 2 phantoms" in printed.out
    assert main(["shapes", str(tmp_path), "--first-seed", "1000000"]) == 2
