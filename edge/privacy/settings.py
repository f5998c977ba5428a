"""Privacy's part of the configuration: how long results stay, what a reference may look like, what is audited.

There is no switch for frames: neither colour nor depth is ever stored or sent by the service, only what a result
consists of.
"""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator


class PrivacySettings(BaseModel):
    """Everything that the configuration says of a child's data."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    retention_days: float | None = Field(
        default=30.0, gt=0, le=36500, description="Results older than this are deleted, delivered or not; none: never."
    )
    retention_check_s: float = Field(default=3600.0, ge=1, le=86400, description="Time between two looks.")
    subject_ref_pattern: str | None = Field(
        default=None, max_length=200,
        description="Regular expression that a reference must match as a whole, beside the rule that it is opaque.",
    )
    audit: bool = Field(default=True, description="Keep the hash-chained log of what was stored, sent and deleted.")

    @field_validator("subject_ref_pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"no regular expression: {error}") from None
        return pattern
