"""Files, addresses, bundles and outputs that are bad, through the program itself, as tables.

Each row ends in one line that says what, where, expected against found and how to mend it, in its class's exit code,
and in nothing on disk: the promise of ``one_clean_line``, which is shown to notice every breach.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.camera import layout
from edge.errors import BundleError, LatxError, OutputError, RecordingError, UsageError
from edge.runtime.bundle import file_entry

Run = Callable[[Any], Any]
Promise = Callable[..., None]
Spoil = Callable[[Any], None]
Row = tuple[Spoil, type[LatxError], str]


def content(make: Callable[[bytes], bytes], name: str = "bad.mcap") -> Spoil:
    def spoil(job: Any) -> None:
        path = job.folder / name
        path.write_bytes(make(job.good.read_bytes()))
        job.give(path)

    return spoil


def cut_at(share: float, less: int = 0) -> Spoil:
    return content(lambda good: good[: int(len(good) * share) - less])


def flipped(good: bytes) -> bytes:
    return good[: len(good) // 2] + bytes([good[len(good) // 2] ^ 1]) + good[len(good) // 2 + 1 :]


def address(uri: str) -> Spoil:
    def spoil(job: Any) -> None:
        job.camera, job.where = uri, uri.removeprefix("file:") or uri

    return spoil


def zipped(job: Any) -> None:
    path = job.folder / "bad.mcap"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("recording.mcap", job.good.read_bytes()[:1000])
    job.give(path)


def folder_named(name: str) -> Spoil:
    def spoil(job: Any) -> None:
        (job.folder / name).mkdir()
        job.give(job.folder / name)

    return spoil


def missing(job: Any) -> None:
    job.give(job.folder / "none.mcap")


def copied_without(topic: str, messages_only: bool = False) -> Spoil:
    """The good recording again, whole, but for one topic (or its messages)."""

    def spoil(job: Any) -> None:
        from mcap.reader import make_reader
        from mcap.writer import Writer

        path = job.folder / "bad.mcap"
        with job.good.open("rb") as old, path.open("wb") as new:
            reader, writer = make_reader(old), Writer(new)
            writer.start(profile=layout.LAYOUT)
            for metadata in reader.iter_metadata():
                writer.add_metadata(metadata.name, dict(metadata.metadata))
            summary = reader.get_summary()
            assert summary is not None
            channels = {}
            for c in summary.channels.values():
                if c.topic != topic or messages_only:
                    schema = summary.schemas[c.schema_id]
                    schema_id = writer.register_schema(schema.name, schema.encoding, schema.data)
                    channels[c.topic] = writer.register_channel(c.topic, c.message_encoding, schema_id)
            for _, c, m in reader.iter_messages():
                if c.topic != topic:
                    writer.add_message(channels[c.topic], m.log_time, m.data, m.publish_time, m.sequence)
            writer.finish()
        job.give(path)

    return spoil


PNG = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
FILES: dict[str, Row] = {
    "empty file": (content(lambda _: b""), RecordingError, "an empty file"),
    "nothing but the first bytes": (content(lambda good: good[:8]), RecordingError, "truncated"),
    **{f"cut at {s:.0%}": (cut_at(s), RecordingError, "truncated") for s in (0.01, 0.25, 0.5, 0.75, 0.99)},
    "last byte cut off": (cut_at(1.0, less=1), RecordingError, "truncated"),
    "one byte altered": (content(flipped), RecordingError, "damaged"),
    "PNG named .mcap": (content(lambda _: PNG), RecordingError, "begins with b'\\x89PNG"),
    "text named .mcap": (content(lambda _: b"hello\nworld\n"), RecordingError, "begins with b'hello\\nwo'"),
    "zip named .mcap": (zipped, RecordingError, "begins with b'PK"),
    "recording named .png": (content(bytes, "bad.png"), RecordingError, "expected .mcap or .bag or .db3, found .png"),
    "missing file": (missing, RecordingError, "No such file"),
    "file in the home of an unknown user": (address("file:~nobody9/a.mcap"), RecordingError, "No such file"),
    "name too long": (address(f"file:{'a' * 300}/x.mcap"), RecordingError, "File name too long"),
    "directory": (folder_named("folder"), RecordingError, "no suffix"),
    "directory named .mcap": (folder_named("folder.mcap"), RecordingError, "Is a directory"),
    "unknown scheme": (address("ftp:there"), UsageError, "or demo[:loop], found 'ftp'"),
    "no scheme": (address("recording.mcap"), UsageError, "file:PATH[#loop] or demo[:loop]"),
    "no path": (address("file:"), UsageError, "found no path"),
    "without depth": (copied_without(layout.DEPTH_TOPIC), RecordingError, "the recording has no depth"),
    "depth without a frame": (copied_without(layout.DEPTH_TOPIC, True), RecordingError, "holds no frame"),
    "without calibration": (copied_without(layout.CALIBRATION_TOPIC), RecordingError, "has no calibration"),
}


def in_bundle(name: str, change: Callable[[Path], object]) -> Spoil:
    def spoil(job: Any) -> None:
        change(job.bundle / name)
        job.where = str(job.bundle / name)

    return spoil


def altered(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def declared(path: Path) -> None:
    """Put the right hash and size of a stage's file into the manifest."""
    manifest = json.loads((path.parent / "manifest.json").read_text())
    manifest["stages"][path.stem].update(file_entry(path))
    (path.parent / "manifest.json").write_text(json.dumps(manifest))


def other_stage(stage: str, **change: Any) -> Spoil:
    """An ONNX file whose hash is right and whose tensors or values are not."""

    def spoil(job: Any) -> None:
        path = job.make_stage(stage, job.bundle / f"{stage}.onnx", **change)
        declared(path)
        job.where = str(path)

    return spoil


def no_onnx(path: Path) -> None:
    path.write_text("this is not ONNX")
    declared(path)


def version_2(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": "2.0"}))


def no_bundle(job: Any) -> None:
    job.bundle = job.folder / "no bundle"
    job.where = str(job.bundle)


def no_manifest(job: Any) -> None:
    (job.bundle / "manifest.json").unlink()
    job.where = str(job.bundle)


def file_as_output(job: Any) -> None:
    job.out.write_text("precious")
    job.where = str(job.out)


def output_below_a_file(job: Any) -> None:
    (job.folder / "notes").write_text("precious")
    job.out = job.folder / "notes" / "scans"
    job.where = str(job.out)


STAGE_FILES = ("structure.onnx", "radiograph.onnx")
BUNDLES: dict[str, Row] = {
    "no folder": (no_bundle, BundleError, "found no such folder"),
    "no manifest": (no_manifest, BundleError, "found no manifest.json"),
    **{f"without {n}": (in_bundle(n, Path.unlink), BundleError, "found no such file")
       for n in (*STAGE_FILES, "model-card.md")},
    **{f"one altered byte in {n}": (in_bundle(n, altered), BundleError, "was altered; expected sha256")
       for n in (*STAGE_FILES, "model-card.md")},
    "a file cut short": (in_bundle("structure.onnx", shortened), BundleError, "altered or cut short"),
    "manifest not JSON": (in_bundle("manifest.json", lambda p: p.write_text("name: tiny\n")), BundleError, "JSON"),
    "empty manifest": (in_bundle("manifest.json", lambda p: p.write_bytes(b"")), BundleError, "JSON"),
    "another schema version": (in_bundle("manifest.json", version_2), BundleError, "schema_version 1.0, found 2.0"),
    "structure for two": (other_stage("structure", batch=2), BundleError, "back_view float32[2, 8, 256, 128]"),
    "radiograph for two": (other_stage("radiograph", batch=2), BundleError, "other inputs than the manifest"),
    "an output lacks": (other_stage("structure", drop_output="angle_sd_deg"), BundleError, "other outputs than"),
    "no ONNX": (in_bundle("structure.onnx", no_onnx), BundleError, "ONNX Runtime cannot load stage structure"),
    "a stage that answers NaN": (other_stage("structure", nan=True), BundleError, "not finite"),
    "a file in the output's place": (file_as_output, OutputError, "expected a writable folder"),
    "an output below a file": (output_below_a_file, OutputError, "found Not a directory"),
}


ROWS = [pytest.param(*row, id=name) for name, row in (FILES | BUNDLES).items()]


@pytest.mark.parametrize(("spoil", "error", "says"), ROWS)
def test_a_bad_file_address_bundle_or_output_is_one_line(
    job: Any, run: Run, one_clean_line: Promise, spoil: Spoil, error: type[LatxError], says: str
) -> None:
    spoil(job)
    one_clean_line(run(job), error, job.where, says)


@pytest.mark.parametrize("command", ["record", "bench"])
@pytest.mark.parametrize("kind", ["empty file", "cut at 50%", "without depth", "unknown scheme"])
def test_the_other_commands_say_the_same(
    job: Any, run: Callable[..., Any], one_clean_line: Promise, command: str, kind: str
) -> None:
    spoil, error, says = FILES[kind]
    spoil(job)
    one_clean_line(run(job, command), error, job.where, says)


@pytest.mark.parametrize("row", [FILES["cut at 50%"], BUNDLES["structure for two"]], ids=["file", "bundle"])
def test_a_process_of_its_own_does_the_same(job: Any, run_process: Run, one_clean_line: Promise, row: Row) -> None:
    spoil, error, says = row
    spoil(job)
    one_clean_line(run_process(job), error, job.where, says)


GOOD_LINE = "latx-edge: error: a.mcap: not a recording; expected an MCAP file, found a PNG; record again\n"
BREACHES: dict[str, Callable[[Any], Any]] = {
    "another exit code": partial(replace, code=1),
    "two lines": partial(replace, err=GOOD_LINE * 2),
    "silence": partial(replace, err=""),
    "another program's line": partial(replace, err=GOOD_LINE.replace("latx-edge", "WARNING")),
    "a traceback": partial(replace, err="latx-edge: Traceback" + GOOD_LINE[9:]),
    "no place": partial(replace, err=GOOD_LINE.replace("a.mcap", "it")),
    "nothing found": partial(replace, err=GOOD_LINE.replace(", found a PNG", "")),
    "no advice": partial(replace, err=GOOD_LINE.replace("; record again", "")),
    "an angle": partial(replace, out="Thoracic kyphosis T4-T12  31.0\n"),
    "a partial folder": partial(replace, after={"a.mcap": "1", "scans/.partial-7": "folder"}),
    "a changed input": partial(replace, after={"a.mcap": "2"}),
}


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
def test_every_breach_of_the_promise_is_noticed(
    done_as: Any, one_clean_line: Promise, breach: Callable[[Any], Any]
) -> None:
    clean = done_as(3, "", GOOD_LINE, {"a.mcap": "1"}, {"a.mcap": "1"})
    told = (RecordingError, "a.mcap", "not a recording")
    one_clean_line(clean, *told)
    with pytest.raises((AssertionError, ValueError)):
        one_clean_line(breach(clean), *told)
