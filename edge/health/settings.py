"""Health's part of the configuration: where probes and metrics are served, and what the log looks like."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from edge.sinks.mqtt.settings import is_loopback


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class HealthSettings(_Part):
    """The little HTTP server; it never listens beyond this machine."""

    enabled: bool = Field(default=True, description="Serve /healthz, /readyz and /metrics.")
    page: bool = Field(default=True, description="Serve the kiosk's screen too: guidance, radiograph, angles.")
    host: str = Field(default="127.0.0.1", min_length=1, max_length=64, description="A loopback address.")
    port: int = Field(default=9475, ge=0, le=65535, description="0 takes any free port, which the log names.")

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        if not is_loopback(host):
            raise ValueError("must be a loopback address such as 127.0.0.1: what it serves is for this machine alone")
        return host


class LogSettings(_Part):
    """The log, on stderr: journald takes it from there."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level that is kept.")
    format: Literal["text", "json"] = Field(default="text", description="One line of text, or one JSON object, each.")
