"""The receipt: a receiver tells the device that it has a report on its disk, or why it will not take it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.result.identity import SCAN_ID

MAX_RECEIPT_BYTES = 4096


class Receipt(BaseModel):
    """What is sent to ``<prefix>/<device>/receipt``. Unknown keys of a newer minor version are ignored."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    schema_version: Literal["1.0"] = "1.0"
    id: str = Field(pattern=SCAN_ID, description="Of the scan.")
    status: Literal["stored", "duplicate", "refused"]
    receiver: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    error: str | None = Field(default=None, max_length=500)

    @property
    def kept(self) -> bool:
        """Whether the receiver has the report."""
        return self.status != "refused"


def read_receipt(payload: bytes) -> Receipt | None:
    """A receipt, or None where the payload is none."""
    if len(payload) > MAX_RECEIPT_BYTES:
        return None
    try:
        return Receipt.model_validate_json(payload)
    except ValidationError:
        return None
