from __future__ import annotations

import json
import math

import pytest
from pydantic import ValidationError

from edge.anatomy import ANGLE_NAMES, ENDPLATES
from edge.report import make_report
from edge.result.models import NOTICE, Result


@pytest.fixture
def record(finished_scan, stand_in):
    return json.loads(make_report(finished_scan, stand_in).files["result.json"])


def test_a_result_says_everything_that_its_version_promises(record):
    assert list(record) == [
        "schema_version", "scan_id", "device_id", "subject_ref", "captured_at", "clock_synced", "model", "angles",
        "coronal", "landmarks_mm", "quality", "radiograph", "timing_ms", "notice",
    ]
    assert record["schema_version"] == "1.0"
    assert record["subject_ref"] is None
    assert record["captured_at"] == "2026-01-01T00:00:00.000Z"
    assert record["notice"] == NOTICE
    assert list(record["model"]) == ["name", "version", "sha256", "precision", "runtime", "trained_on"]
    assert tuple(record["angles"]) == ANGLE_NAMES
    assert record["angles"]["thoracic_kyphosis_t4_t12"]["levels"] == "T4 superior - T12 inferior"
    assert len(record["landmarks_mm"]) == len(ENDPLATES)
    assert list(record["landmarks_mm"]["S1_superior"]) == ["anterior", "posterior", "left", "right"]
    assert record["quality"]["accepted_frames"] == 3
    assert record["timing_ms"]["total_scan"] == 321.0


def test_a_written_result_reads_back_as_itself(record):
    assert json.loads(Result.model_validate(record).to_json()) == record


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_cannot_get_into_a_result(record, value):
    record["angles"]["sacral_slope"]["value_deg"] = value
    with pytest.raises(ValidationError, match="finite"):
        Result.model_validate(record)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["angles"].pop("sacral_slope"),
        lambda r: r["angles"].update(pelvic_incidence=r["angles"]["sacral_slope"]),
        lambda r: r["landmarks_mm"].pop("T4_inferior"),
        lambda r: r["quality"].update(rejected_frames=2),
        lambda r: r["quality"].update(accepted_frames=0),
        lambda r: r.update(name="somebody"),
        lambda r: r.update(captured_at="2026-01-01 00:00:00"),
        lambda r: r["coronal"]["cobb_major"].update(convex_side="both"),
        lambda r: r["model"].update(sha256="abc"),
    ],
)
def test_what_is_missing_unknown_or_contradictory_is_refused(record, change):
    change(record)
    with pytest.raises(ValidationError):
        Result.model_validate(record)
