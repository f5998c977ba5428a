from __future__ import annotations

import json

import pytest

from edge.cli.truth import true_angles
from edge.errors import RecordingError


def test_the_truth_beside_a_recording_is_found_and_its_units_dropped(tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps({"angles": {"sacral_slope_deg": 38, "cobb_major_deg": 12.5}}))
    assert true_angles(f"file:{tmp_path}/recording.mcap") == {"sacral_slope": 38.0, "cobb_major": 12.5}


def test_a_recording_without_truth_has_none(tmp_path):
    assert true_angles(f"file:{tmp_path}/recording.mcap") == {}
    assert true_angles("realsense:0") == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"angles": 3}', '{"angles": {"sacral_slope_deg": "steep"}}'])
def test_a_truth_file_that_holds_no_angles_is_named(tmp_path, text):
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(RecordingError, match=r"truth\.json"):
        true_angles(f"file:{tmp_path}/recording.mcap")
