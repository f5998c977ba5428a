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


def made_shape(turn_deg: float = 0.0, spinous_share: float = 0.5) -> BackShape:
    """A flat back turned about the vertical, over a spine that bows 30 mm to the right."""
    z = BACK_VIEW.cols_u_mm
    surface = np.broadcast_to(-np.tan(np.radians(turn_deg)) * z, (BACK_VIEW.rows, BACK_VIEW.cols)).astype(np.float32)
    mask = np.broadcast_to(np.abs(z) < 120.0, surface.shape).copy()
    view = BackView(np.where(mask, surface, 0).astype(np.float32), mask, None, np.eye(4))
    y = np.linspace(20.0, -400.0, 60)
    line = np.stack([np.full(60, 70.0), y, 30.0 * np.sin(np.linspace(0, np.pi, 60))], axis=1)
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
