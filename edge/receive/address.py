"""A broker's address as one word: ``mqtt://HOST[:PORT]``, or ``mqtts://`` over TLS."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from edge.errors import UsageError
from edge.sinks.mqtt.settings import BrokerSettings, TlsSettings

SCHEMES: Final = {"mqtt": False, "mqtts": True}
"""Scheme -> whether it is over TLS."""


def broker_settings(address: str, **more: Any) -> BrokerSettings:
    """Settings of the broker at ``address``.

    Args:
        more: fields of ``BrokerSettings``, and ``ca_file``, ``cert_file``, ``key_file`` of ``TlsSettings``; None is
            left out.

    Raises:
        UsageError: no such address, a secret in it, or a broker beyond this machine without TLS.
    """
    given = {key: value for key, value in more.items() if value is not None}
    certificates = {key: given.pop(key) for key in ("ca_file", "cert_file", "key_file") if key in given}
    try:
        parts = urlsplit(address if "://" in address else f"mqtt://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in SCHEMES or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise _wrong(address, "it is no address of a broker")
    if parts.username is not None:
        raise _wrong("an address with a user in it", "a secret does not belong in a command line")
    if certificates and not SCHEMES[parts.scheme]:
        raise _wrong(address, "certificates are for mqtts://")
    try:
        tls = TlsSettings(**certificates) if SCHEMES[parts.scheme] else None
        return BrokerSettings(host=host, port=port, tls=tls, **given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        raise _wrong(address, found["msg"].removeprefix("Value error, ")) from None


def _wrong(found: str, what: str) -> UsageError:
    return UsageError(what, where="--broker", expected="mqtt://HOST[:PORT] on this machine, or mqtts://HOST[:PORT]",
                      found=found, mend="give another address, --ca, --cert and --key, or --username")
