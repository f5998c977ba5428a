from __future__ import annotations

from pathlib import Path

import pytest

from edge.anatomy import ANGLE_NAMES, SAGITTAL_ANGLES
from edge.cli.table import aligned, scan_table
from edge.report import make_report
from edge.result.models import NOTICE


@pytest.fixture
def result(finished_scan, stand_in):
    return make_report(finished_scan, stand_in).result


def test_every_angle_is_named_with_its_levels_value_interval_and_repeatability(result):
    text = scan_table(result, [], {})
    row = next(line for line in text.splitlines() if line.startswith("Thoracic kyphosis T4-T12"))
    assert row.split()[3:] == ["37.7", "29", "to", "46", "0.0"]
    assert all(angle.label in text for angle in SAGITTAL_ANGLES)
    assert "Coronal Cobb" in text


def test_files_quality_model_and_notice_follow(result):
    lines = scan_table(result, [Path("scans/x/result.json")], {}).splitlines()
    assert "scans/x/result.json" in lines
    assert "Quality: 3 of 3 frames accepted" in lines
    assert lines[-1] == NOTICE
    assert any("trained on nothing" in line for line in lines)
    assert not any("truth.json" in line for line in lines)


def test_true_angles_stand_beside_with_their_errors(result):
    truth = dict.fromkeys(ANGLE_NAMES, 30.0) | {"cobb_major": 4.0}
    text = scan_table(result, [], truth)
    row = next(line for line in text.splitlines() if line.startswith("Thoracic kyphosis T4-T12"))
    assert row.split()[-2:] == ["30.0", "+7.7"]
    assert "truth.json" in text


def test_an_angle_whose_truth_is_unknown_shows_a_dash(result):
    row = next(line for line in scan_table(result, [], {"cobb_major": 1.0}).splitlines() if line.startswith("Sacral"))
    assert row.split()[-2:] == ["-", "-"]


def test_refused_frames_are_explained_in_words(result):
    quality = result.quality.model_copy(update={"rejected_frames": 2, "refusals": {"moving": 2}})
    text = scan_table(result.model_copy(update={"quality": quality}), [], {})
    assert "3 of 5 frames accepted; left out: 2 moving (the subject moves)" in text


def test_an_uncertain_scan_is_to_be_repeated_and_a_contradicting_picture_named(result):
    update = {"repeat": ("cobb_major",), "contradicted": ("sacral_slope",), "reread_deg": {"sacral_slope": 47.6}}
    quality = result.quality.model_copy(update=update)
    lines = scan_table(result.model_copy(update={"quality": quality}), [], {}).splitlines()
    assert "REPEAT THE SCAN: too uncertain: Coronal Cobb, major" in lines
    assert "The radiograph shows otherwise, degrees: Sacral slope S1 48" in lines
    assert not any("REPEAT" in line or "otherwise" in line for line in scan_table(result, [], {}).splitlines())


def test_columns_line_up():
    lines = aligned([["a", "long heading"], ["a long label", "1.0"]])
    assert len({len(line) for line in lines}) == 1
    assert lines[2].endswith("         1.0")
