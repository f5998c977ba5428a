"""Commands over MQTT: the table of verbs, what each may carry, and how a message becomes a command or a refusal.

Nothing here acts. The daemon gets a validated ``Command`` and answers with a ``Reply``; whatever is not in the table
never reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from edge.privacy.subject import SUBJECT_REFERENCE_RULE, is_opaque
from edge.result.identity import SCAN_ID

SCHEMA_VERSION: Final = "1.0"
MAX_REQUEST_BYTES: Final = 4096


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Nothing(_Data):
    """A verb that carries nothing."""


class ScanData(_Data):
    """Start one scan."""

    subject_ref: str | None = Field(default=None, description=f"Opaque reference: {SUBJECT_REFERENCE_RULE}.")

    @field_validator("subject_ref")
    @classmethod
    def _opaque(cls, reference: str | None) -> str | None:
        if reference is not None and not is_opaque(reference):
            raise ValueError(f"must be {SUBJECT_REFERENCE_RULE}, never a name")
        return reference


class LiveData(_Data):
    """Switch live mode."""

    enabled: bool


class WipeData(_Data):
    """Delete results from the device: all of them, or one scan's, or one subject's."""

    confirm: Literal["wipe"] = Field(description="Says that it is meant.")
    scan_id: str | None = Field(default=None, pattern=SCAN_ID)
    subject_ref: str | None = Field(default=None, max_length=64)


@dataclass(frozen=True)
class VerbRow:
    """One row of the table of verbs."""

    data: type[BaseModel]
    what: str


VERBS: Final[dict[str, VerbRow]] = {
    "scan": VerbRow(ScanData, "start a scan; its result comes as a report"),
    "cancel": VerbRow(Nothing, "give up the scan that runs"),
    "live": VerbRow(LiveData, "switch live mode on or off"),
    "wipe": VerbRow(WipeData, "delete results from the device and from its queue"),
    "restart": VerbRow(Nothing, "stop in good order and let the service manager start anew"),
    "config": VerbRow(Nothing, "read the configuration file again; says what took effect and what needs a restart"),
}
Verb = Literal["scan", "cancel", "live", "wipe", "restart", "config"]


class Command(BaseModel):
    """A request that is in order. ``data`` is an instance of the model in the verb's row."""

    model_config = ConfigDict(frozen=True)

    verb: Verb
    transaction: str | None = None
    data: ScanData | LiveData | WipeData | Nothing


class Reply(BaseModel):
    """What the daemon answers: done or begun (``ok``), or why not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["ok", "error"]
    data: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None

    @classmethod
    def ok(cls, **data: Any) -> Reply:
        """It was done, or has begun."""
        return cls(status="ok", data=data)

    @classmethod
    def refused(cls, why: str) -> Reply:
        """It was not done, and why."""
        return cls(status="error", error=why)
