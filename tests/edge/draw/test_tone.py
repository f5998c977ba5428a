from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.draw.tone import tone


def trunk(bone=0.0):
    """A soft-tissue column in air with a denser block in it."""
    image = np.zeros((128, 64), np.float32)
    image[:, 12:52] = 3.0
    image[40:60, 28:38] += bone
    return image


def test_air_is_black_and_bone_brighter_than_soft_tissue():
    grey = tone(trunk(bone=0.6))
    assert grey.dtype == np.uint8
    assert grey[:, :8].max() == 0
    assert grey[45:55, 31:35].mean() > grey[100:110, 31:35].mean() + 20


def test_scatter_in_air_stays_black():
    assert tone(trunk(0.6) + 0.09)[:, :6].max() == 0


def test_nothing_attenuating_gives_a_black_picture_and_no_division_by_nought():
    assert tone(np.zeros((64, 32), np.float32)).max() == 0
    assert tone(np.full((64, 32), -1.0)).max() == 0
    assert tone(np.full((64, 32), 3.0)).shape == (64, 32)


@given(dose=st.floats(0.5, 2.0))
def test_the_picture_keeps_its_look_when_everything_is_denser(dose):
    a, b = tone(trunk(0.6)).astype(int), tone(dose * trunk(0.6)).astype(int)
    inside = np.s_[:, 16:48]
    assert np.abs(a[inside] - b[inside]).mean() < 6
