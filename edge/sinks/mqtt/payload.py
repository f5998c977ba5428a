"""JSON payloads: stamped with schema version and time, and always finite."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from edge.result.identity import clock_synced, rfc3339
from edge.sinks.mqtt.commands import SCHEMA_VERSION


def stamped(values: Mapping[str, Any], now_ns: int) -> bytes:
    """``values`` as JSON beside ``schema_version``, ``time`` and ``clock_synced``."""
    stamp = {"schema_version": SCHEMA_VERSION, "time": rfc3339(now_ns), "clock_synced": clock_synced()}
    return json.dumps(_finite({**stamp, **values}), allow_nan=False, default=str).encode()


def _finite(value: Any) -> Any:
    """JSON has no NaN: such numbers become null."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
