"""The messages of a scan: what is in them, what never is, and what gives way when they would be too large."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from edge.sinks.mqtt.publisher import Message
from edge.sinks.mqtt.report_message import ReportError, scan_id_of, scan_messages, unpack
from edge.sinks.mqtt.topics import Topics

TOPICS = Topics("spine", "device-1")


@pytest.fixture
def report(reports):
    return reports(3)


def messages(report, send="both", max_bytes=1_000_000, files=None):
    return scan_messages(TOPICS, report.result.scan_id, report.files if files is None else files, send, max_bytes)


def members(message):
    with zipfile.ZipFile(io.BytesIO(message.payload)) as archive:
        return archive.namelist()


def test_a_report_goes_there_and_back(report):
    owed = messages(report).owed

    result, files = unpack(owed.payload, "device-1")

    assert files == report.files
    assert result == report.result
    assert scan_id_of(owed) == report.result.scan_id


def test_the_same_report_is_the_same_bytes(report):
    assert messages(report).owed == messages(report).owed


def test_parts_have_topics_of_their_own_and_the_radiograph_its_hash(report):
    radiograph, result = messages(report).parts

    assert (radiograph.topic, radiograph.content_type) == ("spine/device-1/radiograph", "image/png")
    assert dict(radiograph.properties) == {"id": report.result.scan_id, "sha256": report.result.radiograph.sha256}
    assert hashlib.sha256(radiograph.payload).hexdigest() == report.result.radiograph.sha256
    assert result.payload == report.files["result.json"]


def test_a_colour_frame_that_lies_in_a_folder_is_not_sent(report):
    files = {**report.files, "colour.jpg": b"\xff\xd8 a child", "depth.png": b"\x89PNG"}

    sent = messages(report, files=files)

    assert members(sent.owed) == ["result.json", "radiograph.png", "overlay.png"]
    assert all(b"a child" not in m.payload for m in (*sent.parts, sent.owed))


def test_pictures_give_way_where_a_message_would_be_too_large(report):
    overlay, radiograph = (len(report.files[n]) for n in ("overlay.png", "radiograph.png"))
    record = len(report.files["result.json"])

    without_overlay = messages(report, max_bytes=record + radiograph + 3000)
    bare = messages(report, max_bytes=record + 3000)

    assert overlay > 1000
    assert members(without_overlay.owed) == ["result.json", "radiograph.png"]
    assert dict(without_overlay.owed.properties)["omitted"] == "overlay.png"
    assert members(bare.owed) == ["result.json"]
    assert [m.topic.rpartition("/")[2] for m in bare.parts] == ["result"]
    assert all(len(m.payload) <= record + 3000 for m in (*bare.parts, bare.owed))


@pytest.mark.parametrize(("send", "parts", "owed"), [("report", [], "report"), ("parts", ["radiograph"], "result"),
                                                     ("both", ["radiograph", "result"], "report")])
def test_what_is_sent_is_configured(report, send, parts, owed):
    sent = messages(report, send)

    assert [m.topic.rpartition("/")[2] for m in sent.parts] == parts
    assert sent.owed.topic == f"spine/device-1/{owed}"


def test_a_zip_bomb_in_its_directory_is_refused(report):
    payload = bytearray(messages(report).owed.payload)
    at = payload.rindex(b"PK\x01\x02")
    payload[at + 24 : at + 28] = (2**31).to_bytes(4, "little")  # uncompressed size, as the directory tells it

    with pytest.raises(ReportError):
        unpack(bytes(payload), "device-1")


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_flipped_byte_is_found(report, at):
    payload = bytearray(messages(report).owed.payload)
    payload[int(at * len(payload))] ^= 0x40

    with pytest.raises(ReportError):
        unpack(bytes(payload), "device-1")


@pytest.mark.parametrize("value", ["", "x", "20260102T030405678Z-0123abcd\n", "../20260102T030405678Z-0123abcd"])
def test_an_id_that_is_none_is_none(value):
    assert scan_id_of(Message("t", b"", properties=(("id", value),))) is None
