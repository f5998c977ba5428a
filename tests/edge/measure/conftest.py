"""A spine built from tilts: the endplates that the measuring tests read back."""

from __future__ import annotations

import numpy as np
import pytest

from edge.anatomy import ENDPLATES, VERTEBRAE


def build_spine(sagittal_deg, coronal_deg, height_mm=22.0, radius_mm=15.0):
    """(37, 4, 3) endplates whose tilts are as given (37 each); bodies are stacked along their own axes."""
    centres = np.zeros((37, 3))
    for i in range(1, 37):
        s, c = (np.radians((tilt[i - 1] + tilt[i]) / 2) for tilt in (sagittal_deg, coronal_deg))
        gap = height_mm if i % 2 else 0.3 * height_mm
        # perpendicular to an endplate raised in front by s and on the right by c
        centres[i] = centres[i - 1] - gap * np.array([-np.sin(s), np.cos(s) * np.cos(c), -np.sin(c)])
    s, c = np.radians(sagittal_deg), np.radians(coronal_deg)
    forward = radius_mm * np.stack([np.cos(s), np.sin(s), 0 * s], -1)
    right = radius_mm * np.stack([0 * c, np.sin(c), np.cos(c)], -1)
    return centres[:, None] + np.stack([forward, -forward, -right, right], 1)


def adolescent_tilts():
    """Sagittal tilts of an ordinary standing adolescent: T1 falls forwards, T12 backwards, S1 forwards again."""
    rows = {"C7": -22.0, "T1": -26.0, "T4": -18.0, "T8": 0.0, "T12": 18.0, "L1": 20.0, "L3": 6.0, "L5": -22.0}
    levels = [VERTEBRAE.index(v) for v in rows]
    per_vertebra = np.interp(np.arange(18), levels, list(rows.values()))
    return np.array([per_vertebra[VERTEBRAE.index(v)] if v != "S1" else -38.0 for v, _ in ENDPLATES])


@pytest.fixture
def spine():
    return build_spine


@pytest.fixture
def ordinary():
    return build_spine(adolescent_tilts(), np.zeros(37))


@pytest.fixture
def ordinary_tilts():
    return adolescent_tilts()
