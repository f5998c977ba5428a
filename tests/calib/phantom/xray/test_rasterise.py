"""Chord lengths against what geometry says."""

from __future__ import annotations

import numpy as np
import pytest

from calib.phantom.xray.rasterise import add_ellipsoids, add_meshes
from calib.phantom.xray.solids import ball, loft, signed_volume, tube
from edge.view.grid import Grid

GRID = Grid(rows=80, cols=80, mm_per_px=1.0, top_mm=40.0, left_mm=40.0, right_sign=-1)


def sphere(radius_mm: float, centre_mm: tuple[float, float, float], around: int = 96, rings: int = 64) -> np.ndarray:
    latitude = np.linspace(-0.4999, 0.4999, rings)[:, None] * np.pi
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    points = np.stack(np.broadcast_arrays(
        np.cos(latitude) * np.cos(angle), np.sin(latitude), np.cos(latitude) * np.sin(angle)
    ), axis=-1)
    return loft((radius_mm * points + np.array(centre_mm))[None])


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> np.ndarray:
    (x0, y0, z0), (x1, y1, z1) = low, high
    ring = np.array([[x0, z0], [x1, z0], [x1, z1], [x0, z1]])
    return loft(np.stack([np.insert(ring, 1, y, axis=1) for y in (y0, y1)])[None])


def chords(mesh: np.ndarray, weight: float = 1.0) -> np.ndarray:
    out = np.zeros((GRID.rows, GRID.cols), dtype=np.float32)
    triangles = mesh.reshape(-1, 3, 3)
    add_meshes(out, triangles, np.full(len(triangles), weight), GRID)
    return out


def analytic_sphere(radius_mm: float, x_mm: float, y_mm: float) -> np.ndarray:
    x, y = np.meshgrid(GRID.u_of(np.arange(80.0)), GRID.y_of(np.arange(80.0)))
    return 2 * np.sqrt(np.clip(radius_mm**2 - (x - x_mm) ** 2 - (y - y_mm) ** 2, 0, None))


def test_a_box_has_the_same_chord_everywhere_and_no_seam() -> None:
    image = chords(box((-12.3, -7.7, -20.0), (9.1, 15.2, 11.0)))
    inside = image[GRID.rows // 2 - 10 : GRID.rows // 2 + 5, 35:50]
    np.testing.assert_allclose(inside, 31.0, atol=1e-4)
    assert np.isin(np.round(image, 3), [0.0, 31.0]).all()


def test_a_sphere_has_its_analytic_chords() -> None:
    image = chords(sphere(25.0, (3.2, -4.1, 150.0)))
    exact = analytic_sphere(25.0, 3.2, -4.1)
    np.testing.assert_allclose(image[exact > 15], exact[exact > 15], atol=0.15)
    np.testing.assert_allclose(image.sum(), 4 / 3 * np.pi * 25.0**3, rtol=5e-3)


def test_the_comparison_with_the_sphere_can_fail() -> None:
    image = chords(sphere(25.0, (3.2, -4.1, 150.0)))
    exact = analytic_sphere(25.0, 4.7, -4.1)
    assert np.abs(image - exact)[exact > 15].max() > 1.0


def test_overlapping_solids_add_up_and_a_negative_core_leaves_a_shell() -> None:
    outer, inner = chords(sphere(25.0, (0, 0, 0))), chords(sphere(20.0, (0, 0, 0)), -1.0)
    both = np.zeros_like(outer)
    triangles = np.concatenate([sphere(25.0, (0, 0, 0)).reshape(-1, 3, 3), sphere(20.0, (0, 0, 0)).reshape(-1, 3, 3)])
    add_meshes(both, triangles, np.repeat([1.0, -1.0], len(triangles) // 2), GRID)
    np.testing.assert_allclose(both, outer + inner, atol=1e-3)
    assert both[40, 40] == pytest.approx(10.0, abs=0.2)


def test_ellipsoids_match_the_closed_form() -> None:
    out = np.zeros((GRID.rows, GRID.cols), dtype=np.float32)
    solid = ball((3.2, -4.1, 77.0), 25.0, 0.5)
    add_ellipsoids(out, solid.centres_mm, solid.axes_mm, solid.added_per_mm, GRID)
    np.testing.assert_allclose(out, 0.5 * analytic_sphere(25.0, 3.2, -4.1), atol=1e-4)


def test_a_tilted_ellipsoid_raises_its_anterior_end() -> None:
    out = np.zeros((GRID.rows, GRID.cols), dtype=np.float32)
    solid = ball((0, 0, 0), (30.0, 6.0, 6.0), 1.0, tilt_deg=40.0)
    add_ellipsoids(out, solid.centres_mm, solid.axes_mm, solid.added_per_mm, GRID)
    rows, cols = np.nonzero(out)
    assert rows[cols < 25].mean() < 40 < rows[cols > 55].mean()  # anterior is on the left, up is a smaller row


def test_solids_outside_the_picture_are_left_out_quietly() -> None:
    assert not chords(box((500.0, -5.0, 0.0), (520.0, 5.0, 9.0))).any()
    assert not chords(box((-5.0, 300.0, 0.0), (5.0, 320.0, 9.0))).any()


def test_lofts_and_tubes_are_closed_and_turned_outwards() -> None:
    path = np.stack([np.linspace(0, 50, 9), np.zeros(9), np.zeros(9)], axis=1)[None]
    mesh = tube(path, np.full((1, 9, 2), 5.0), np.array([0.0, 1.0, 0.0]), around=48)
    assert signed_volume(mesh)[0] == pytest.approx(np.pi * 25 * 50, rel=0.1)
    # Closed: the directed areas of all triangles cancel.
    area = np.cross(mesh[0, :, 1] - mesh[0, :, 0], mesh[0, :, 2] - mesh[0, :, 0]).sum(axis=0)
    np.testing.assert_allclose(area, 0.0, atol=1e-9)
    assert signed_volume(mesh[:, :, ::-1])[0] < 0
