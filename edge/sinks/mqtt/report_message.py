"""The messages that carry a scan, and the way back from a report message to its files.

A report travels as ONE message because receivers may share a subscription: two messages of one scan could reach two of
them, and neither would have a whole folder. It is a ZIP without compression (PNG has its own), so any tool opens it.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from edge.result.identity import SCAN_ID
from edge.result.models import Result
from edge.sinks.mqtt.publisher import Message
from edge.sinks.mqtt.topics import TOPICS, Topics

RESULT: Final = "result.json"
PICTURES: Final = ("radiograph.png", "overlay.png")
"""In the order in which they are given up where a message would be too large: the last goes first."""
SENT_FILES: Final = (RESULT, *PICTURES)
"""The only files of a folder that are ever sent: no frame of a camera is among them."""

_HEADROOM: Final = 2_000  # bytes of topic, properties and ZIP directory beside the files
_MAX_UNPACKED: Final = 250_000_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # of ZIP: the same report is always the same bytes


class ReportError(ValueError):
    """A report message is not what it should be; the text says how."""


@dataclass(frozen=True)
class ScanMessages:
    """One scan as messages. parts: for other software, may be repeated; owed: delivered when this one is."""

    parts: tuple[Message, ...]
    owed: Message


def scan_messages(topics: Topics, scan_id: str, files: Mapping[str, bytes], send: str, max_bytes: int) -> ScanMessages:
    """The messages of a scan; pictures that would exceed ``max_bytes`` are left out of them.

    Args:
        files: content by name, as in its folder. send: "report", "parts" or "both".
    """
    result = _message(topics, "result", scan_id, files[RESULT], "application/json")
    report = None if send == "parts" else _report(topics, scan_id, files, max_bytes)
    parts = [] if send == "report" else [result]
    radiograph = files.get(PICTURES[0])
    if send != "report" and radiograph is not None and len(radiograph) + _HEADROOM <= max_bytes:
        parts.insert(0, _message(topics, "radiograph", scan_id, radiograph, "image/png",
                                 (("sha256", hashlib.sha256(radiograph).hexdigest()),)))
    return ScanMessages(tuple(parts), report) if report is not None else ScanMessages(tuple(parts[:-1]), parts[-1])


def pack(files: Mapping[str, bytes]) -> bytes:
    """Files as an uncompressed ZIP; the same files give the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return stream.getvalue()


def unpack(payload: bytes, device_id: str) -> tuple[Result, dict[str, bytes]]:
    """The record and the files of a report message from ``device_id``, checked.

    Raises:
        ReportError: no ZIP, other files than a report has, no valid record, another device's record, or a radiograph
            that is not the one the record was made with.
    """
    files = _members(payload)
    if RESULT not in files:
        raise ReportError("it has no result.json")
    try:
        result = Result.model_validate_json(files[RESULT])
    except ValidationError as error:
        first = error.errors()[0]
        raise ReportError(f"its result.json is not valid: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if result.device_id != device_id:
        raise ReportError("its result.json is of another device than its topic")
    radiograph = files.get(result.radiograph.file)
    if radiograph is not None and hashlib.sha256(radiograph).hexdigest() != result.radiograph.sha256:
        raise ReportError("its radiograph does not have the sha256 that its result.json names")
    return result, files


def scan_id_of(message: Message) -> str | None:
    """The ``id`` that a message's properties give, where it is one."""
    scan_id = dict(message.properties).get("id", "")
    return scan_id if re.fullmatch(SCAN_ID, scan_id) and not scan_id.endswith("\n") else None


def _report(topics: Topics, scan_id: str, files: Mapping[str, bytes], max_bytes: int) -> Message:
    room = max_bytes - _HEADROOM - len(files[RESULT])
    chosen, omitted = {RESULT: files[RESULT]}, []
    for name in PICTURES:
        content = files.get(name)
        if content is not None and len(content) <= room:
            chosen[name] = content
            room -= len(content)
        elif content is not None:
            omitted.append(name)
    payload = pack(chosen)
    properties = [("sha256", hashlib.sha256(payload).hexdigest())]
    if omitted:
        properties.append(("omitted", " ".join(omitted)))
    return _message(topics, "report", scan_id, payload, "application/zip", tuple(properties))


def _message(topics: Topics, row: str, scan_id: str, payload: bytes, content_type: str,
             properties: tuple[tuple[str, str], ...] = ()) -> Message:
    return Message(topics.name(row), payload, TOPICS[row].qos, TOPICS[row].retain, content_type,
                   properties=(("id", scan_id), *properties))


def _members(payload: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            members = archive.infolist()
            names = [m.filename for m in members]
            if len(set(names)) != len(names) or not set(names) <= set(SENT_FILES):
                raise ReportError("it holds other files than a report has")
            if any(m.compress_type != zipfile.ZIP_STORED for m in members) or sum(m.file_size for m in members) > min(
                _MAX_UNPACKED, len(payload)
            ):
                raise ReportError("it is compressed, which a report never is")
            return {name: archive.read(name) for name in names}
    except ReportError:
        raise
    except Exception as failure:  # zipfile raises a dozen kinds on foreign bytes (BadZipFile, struct.error, ...)
        raise ReportError(f"it is no ZIP: {failure}") from None
