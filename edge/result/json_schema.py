"""The JSON Schema of ``result.json``, generated from its models.

The file beside this one is what other software reads; ``python -m edge.result.json_schema`` writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from edge.result.models import SCHEMA_VERSION, Result

SCHEMA_FILE: Final = Path(__file__).resolve().parent / "schema" / f"result-{SCHEMA_VERSION}.schema.json"


def result_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a result as it is written."""
    schema = Result.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_FILE.name, **schema}


def schema_text() -> str:
    """The schema as it lies on file."""
    return json.dumps(result_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
