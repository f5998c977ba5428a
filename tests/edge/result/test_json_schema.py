from __future__ import annotations

import json

import jsonschema
import pytest

from edge.report import make_report
from edge.result.json_schema import SCHEMA_FILE, result_schema, schema_text


def test_the_schema_on_file_is_the_one_that_the_models_generate():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m edge.result.json_schema"


def test_the_schema_is_itself_valid_and_accepts_a_result(finished_scan, stand_in):
    validator = jsonschema.Draft202012Validator(result_schema())
    validator.check_schema(result_schema())
    validator.validate(json.loads(make_report(finished_scan, stand_in).files["result.json"]))


@pytest.mark.parametrize(
    "change", [lambda r: r.pop("notice"), lambda r: r.update(extra=1), lambda r: r["radiograph"].update(width="wide")]
)
def test_the_schema_refuses_what_is_no_result(finished_scan, stand_in, change):
    record = json.loads(make_report(finished_scan, stand_in).files["result.json"])
    change(record)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(result_schema()).validate(record)
