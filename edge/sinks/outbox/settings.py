"""The outbox's part of the configuration: how much and how long may wait, and what the disk keeps in reserve."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class OutboxSettings(BaseModel):
    """Bounds of the queue. Reaching one of the first two refuses new scans; nothing that was accepted is dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    max_mb: float = Field(default=2000.0, gt=0, description="Bytes of queued reports, in 10^6; a report has about 0.4.")
    min_free_mb: float = Field(default=500.0, ge=0, description="What must stay free on the disk, in 10^6 bytes.")
    max_age_days: float = Field(
        default=60.0, gt=0, le=3650, description="Older ones are no longer sent; their folders stay until retention."
    )
