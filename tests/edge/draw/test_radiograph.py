from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.draw.radiograph import BURNED_IN, STRIP_PX, notice_strip, png, radiograph_picture
from edge.draw.tone import tone


@pytest.fixture
def attenuation():
    rows, cols = np.mgrid[:512, :256]
    return (4.0 * np.exp(-(((cols - 128) / 60.0) ** 2)) * (1 + 0.1 * np.sin(rows / 15))).astype(np.float32)


def test_the_picture_keeps_the_geometry_of_the_grid(attenuation):
    picture = radiograph_picture(attenuation)
    assert picture.shape == (512, 256)
    np.testing.assert_array_equal(picture[:-STRIP_PX], tone(attenuation)[:-STRIP_PX])


def test_the_notice_is_burned_in_whatever_the_picture_shows(attenuation):
    for image in (attenuation, np.zeros_like(attenuation), np.full_like(attenuation, 9.0)):
        strip = radiograph_picture(image)[-STRIP_PX:]
        np.testing.assert_array_equal(strip, notice_strip(256, STRIP_PX))


def test_the_notice_is_legible_white_on_black_and_not_cut_off():
    assert BURNED_IN == "SYNTHETIC - NOT FOR DIAGNOSTIC USE"
    strip = notice_strip(256, STRIP_PX)
    assert strip.max() > 200
    inked = np.flatnonzero(strip.max(axis=0) > 100)
    assert inked[0] >= 2
    assert inked[-1] <= 253
    assert inked[-1] - inked[0] > 170  # fills most of the width
    letters = np.flatnonzero(strip.max(axis=1) > 100)
    assert letters[-1] - letters[0] >= 5  # capitals of at least six pixels
    gaps = np.flatnonzero(strip.max(axis=0) < 60)
    assert len(gaps) > 20  # letters are apart, not a blur


def test_a_png_reads_back_as_it_was(attenuation):
    picture = radiograph_picture(attenuation)
    read = cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read, picture)
    colour = np.zeros((4, 5, 3), np.uint8)
    colour[..., 0] = 200  # red
    read = cv2.imdecode(np.frombuffer(png(colour), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(read[..., 2], 200)
