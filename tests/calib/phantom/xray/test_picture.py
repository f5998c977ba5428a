"""The picture's grid, its way into the body frame, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calib.phantom.xray.picture import LateralImage, load_radiograph_png, save_radiograph_png, to_body_grid
from edge.errors import OutputError
from edge.view.grid import RADIOGRAPH, Grid

GRID = Grid(rows=560, cols=304, mm_per_px=1.5, top_mm=600.0, left_mm=260.0, right_sign=-1)


def spot_at(x_mm: float, y_mm: float) -> LateralImage:
    cols, rows = np.meshgrid(np.arange(304.0), np.arange(560.0))
    far = (GRID.u_of(cols) - x_mm) ** 2 + (GRID.y_of(rows) - y_mm) ** 2
    return LateralImage(np.exp(-far / (2 * 6.0**2)).astype(np.float32), GRID)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (71.3, -430.9), (69.99, -401.2)])
def test_a_spot_lands_at_its_body_position_to_a_tenth_of_a_millimetre(shift: tuple[float, float]) -> None:
    x, y = 30.4, 350.7 if shift[1] else 60.7
    image = to_body_grid(spot_at(x, y), shift)
    assert image.shape == (512, 256)
    assert image.dtype == np.float32
    rows, cols = np.mgrid[0:512, 0:256].astype(float)
    total = image.sum()
    assert RADIOGRAPH.u_of((cols * image).sum() / total) == pytest.approx(x + shift[0], abs=0.1)
    assert RADIOGRAPH.y_of((rows * image).sum() / total) == pytest.approx(y + shift[1], abs=0.1)


def test_there_and_back_gives_the_picture_again() -> None:
    image = spot_at(20.0, 300.0)
    body = LateralImage(to_body_grid(image, (70.3, -420.8)), RADIOGRAPH)
    back = to_body_grid(body, (-70.3, 420.8), GRID)
    np.testing.assert_allclose(back, image.log_attenuation, atol=0.01)


def test_a_wrong_shift_shows() -> None:
    image = spot_at(20.0, 300.0)
    body = LateralImage(to_body_grid(image, (70.3, -420.8)), RADIOGRAPH)
    back = to_body_grid(body, (-72.3, 420.8), GRID)
    assert np.abs(back - image.log_attenuation).max() > 0.05


def test_the_file_keeps_the_values_to_its_step(tmp_path: Path) -> None:
    values = np.linspace(0.0, 8.19, 200, dtype=np.float32).reshape(10, 20)
    save_radiograph_png(values, tmp_path / "radiograph.png")
    np.testing.assert_allclose(load_radiograph_png(tmp_path / "radiograph.png"), values, atol=0.51 / 8000)
    assert [p.name for p in tmp_path.iterdir()] == ["radiograph.png"]


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write the radiograph"):
        save_radiograph_png(np.zeros((4, 4), dtype=np.float32), tmp_path / "absent" / "radiograph.png")


def test_a_foreign_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "radiograph.png").write_bytes(b"not a picture")
    with pytest.raises(OutputError, match="expected a 16-bit grey PNG"):
        load_radiograph_png(tmp_path / "radiograph.png")
