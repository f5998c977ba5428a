"""MQTT's part of the configuration: which broker, how it is proven to be the right one, what is sent and when a report
counts as delivered. A broker beyond this machine is spoken to over TLS or not at all.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.errors import UsageError
from edge.sinks.mqtt.credentials import credential

LEVEL: Final = r"^[A-Za-z0-9_-]{1,64}$"
"""A topic level of ours: no wildcard, no slash, nothing that could carry a name with a space."""

PORT: Final = 1883
TLS_PORT: Final = 8883
Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TlsSettings(_Part):
    """Certificates in PEM. The broker is always verified, its host name too. Bare names as for ``password_file``."""

    ca_file: Path | None = Field(default=None, description="Authority that signed the broker; none: the system's.")
    cert_file: Path | None = Field(default=None, description="This machine's certificate.")
    key_file: Path | None = Field(default=None, description="Its private key, readable by this program alone.")

    @model_validator(mode="after")
    def _certificate_with_key(self) -> TlsSettings:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together")
        return self


class BrokerSettings(_Part):
    """How to reach and to prove a broker: what device and receiver have in common."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int | None = Field(default=None, ge=1, le=65535, description=f"None: {TLS_PORT} with TLS, else {PORT}.")
    tls: TlsSettings | None = Field(default=None, description="Required for a broker on another machine.")
    username: str | None = Field(default=None, max_length=256)
    password_file: Path | None = Field(
        default=None, description="One line. A bare name is looked up among the service's credentials."
    )
    prefix: str = Field(default="spine", pattern=LEVEL, description="First level of every topic.")
    keepalive_s: int = Field(default=20, ge=2, le=3600, description="A dead connection is noticed after 1.5 of these.")
    connect_timeout_s: Seconds = 5.0
    back_off_first_s: Seconds = Field(default=0.5, description="Wait after a lost connection; doubles each time.")
    back_off_limit_s: Seconds = Field(default=30.0, description="Longest wait between two attempts.")

    @model_validator(mode="after")
    def _tls_beyond_this_machine(self) -> BrokerSettings:
        if self.tls is None and not is_loopback(self.host):
            raise ValueError(f"broker {self.host} is not on this machine: give [tls] (ca_file, cert_file, key_file)")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username")
        if self.back_off_first_s > self.back_off_limit_s:
            raise ValueError("back_off_first_s must not be above back_off_limit_s")
        return self

    @property
    def effective_port(self) -> int:
        """The port that is connected to."""
        return self.port if self.port is not None else TLS_PORT if self.tls else PORT

    def password(self) -> str | None:
        """The secret itself, read anew at each connection so that it can be changed.

        Raises:
            UsageError: the file cannot be read.
        """
        if self.password_file is None:
            return None
        path = credential(self.password_file)
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as failure:
            raise UsageError("the broker's password cannot be read", where=str(path), expected="a text file",
                             found=getattr(failure, "strerror", None) or "no text",
                             mend="mend password_file in [mqtt]") from None


class DiscoverySettings(_Part):
    """Home Assistant finds the device by itself. Only the device's health is announced, nothing of a scan."""

    prefix: str = Field(default="homeassistant", pattern=LEVEL)


class MqttSettings(BrokerSettings):
    """Everything that the configuration says of the device's link to a broker."""

    client_id: str | None = Field(default=None, pattern=LEVEL, description="None: latx-edge-<device>.")
    send: Literal["report", "parts", "both"] = Field(
        default="both",
        description="report: all files of a scan in one message, for latx-edge receive; parts: result and radiograph "
        "on topics of their own, for other software.",
    )
    max_message_bytes: int = Field(
        default=1_000_000, ge=10_000, le=250_000_000,
        description="Pictures beyond it are left out of a message. Brokers drop clients that exceed theirs.",
    )
    preview_hz: float = Field(
        default=0.0, ge=0, le=10,
        description="Pictures a second of live mode's synthetic radiograph, for a screen elsewhere; 0: none.",
    )
    preview_max_bytes: int = Field(
        default=32_000, ge=8_000, le=250_000, description="One that is larger is compressed further, or left out."
    )
    in_flight: int = Field(default=4, ge=1, le=20, description="Reports on their way at once.")
    remove_after: Literal["puback", "receipt"] = Field(
        default="puback",
        description="When a report leaves the queue: the broker has it, or a receiver has it on its disk.",
    )
    receipt_timeout_s: Seconds = Field(default=60.0, description="Without a receipt a report is sent again.")
    delete_after_receipt: bool = Field(default=False, description="Then the scan's folder leaves the device too.")
    discovery: DiscoverySettings | None = None

    @model_validator(mode="after")
    def _receipts_need_reports(self) -> MqttSettings:
        if self.delete_after_receipt and self.remove_after != "receipt":
            raise ValueError('delete_after_receipt needs remove_after = "receipt"')
        if self.remove_after == "receipt" and self.send == "parts":
            raise ValueError('receipts are given for reports: send must be "report" or "both"')
        return self


def is_loopback(host: str) -> bool:
    """Whether ``host`` can only be this machine; a name other than localhost is not trusted to be."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
