"""``latx-edge scan`` from end to end, and every bad input that it must survive."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from edge.report import FILES
from edge.result.models import Result
from edge.runtime.bundle import file_entry


@pytest.fixture
def scan(latx_edge, tiny_bundle, tmp_path):
    def run(camera, *more):
        return latx_edge("scan", "--camera", camera, "--bundle", tiny_bundle, "--out", tmp_path / "scans", *more)

    return run


def one_line(err):
    return err.count("\n") == 1 and err.startswith("latx-edge: ") and "Traceback" not in err


def test_a_scan_prints_a_table_and_writes_a_valid_record_and_two_pictures(scan, recording, tmp_path):
    code, out, err = scan(f"file:{recording}")
    assert (code, err) == (0, "")
    (folder,) = (tmp_path / "scans").iterdir()
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)
    for name in FILES:
        assert str(folder / name) in out.splitlines()
    record = Result.model_validate_json((folder / "result.json").read_bytes())
    assert record.quality.accepted_frames == 4
    assert record.model.sha256 == hashlib.sha256((tmp_path / "bundle" / "manifest.json").read_bytes()).hexdigest()
    assert cv2.imread(str(folder / "radiograph.png"), cv2.IMREAD_UNCHANGED).shape == (512, 256)
    assert cv2.imread(str(folder / "overlay.png")).shape[0] == 1024
    assert "Thoracic kyphosis T4-T12" in out
    assert "NOT FOR DIAGNOSTIC USE" in out


def test_json_prints_the_record_alone(scan, recording, tmp_path):
    code, out, _ = scan(f"file:{recording}", "--json", "--subject-ref", "ref-3", "--frames", "3")
    assert code == 0
    (folder,) = (tmp_path / "scans").iterdir()
    assert out == (folder / "result.json").read_text()
    assert json.loads(out)["subject_ref"] == "ref-3"
    assert json.loads(out)["quality"]["accepted_frames"] == 3


def test_true_angles_beside_the_recording_are_printed_beside(scan, recording, tmp_path):
    copy = shutil.copy(recording, tmp_path / "recording.mcap")
    (tmp_path / "truth.json").write_text(json.dumps({"angles": {"thoracic_kyphosis_t4_t12_deg": 30.0}}))
    _, out, _ = scan(f"file:{copy}")
    row = next(line for line in out.splitlines() if line.startswith("Thoracic kyphosis T4-T12"))
    assert row.split()[-2:] == ["30.0", "+7.7"]


BAD_RECORDINGS = {
    "empty": lambda _: b"",
    "truncated": lambda good: good[: len(good) // 3],
    "foreign": lambda _: b"\x89PNG\r\n" + bytes(2000),
    "text": lambda _: b"hello",
}


@pytest.mark.parametrize("kind", ["missing", *BAD_RECORDINGS])
def test_a_bad_recording_is_one_line_its_exit_code_and_no_result(scan, recording, tmp_path, kind):
    path = tmp_path / "bad.mcap"
    if kind in BAD_RECORDINGS:
        path.write_bytes(BAD_RECORDINGS[kind](recording.read_bytes()))
    code, out, err = scan(f"file:{path}")
    assert (code, out) == (3, "")
    assert one_line(err), err
    assert "bad.mcap" in err
    assert not list((tmp_path / "scans").glob("*"))


@pytest.mark.parametrize("uri", ["file:", "recording.mcap", "ftp:there", "file:/tmp"])
def test_an_address_that_is_no_camera_is_one_line(scan, uri):
    code, _, err = scan(uri)
    assert code in (2, 3)
    assert one_line(err), err


@pytest.mark.parametrize("depth", ["nought", "far", "near"])
def test_what_is_no_back_is_refused_by_name_and_leaves_nothing(scan, record_frames, phantom_frames, tmp_path, depth):
    def spoilt(frame):
        spoil = {"nought": lambda d: d * 0, "far": lambda d: d + 1.5 * (d > 0), "near": lambda d: 0.4 * d}[depth]
        return dataclasses.replace(frame, depth_m=spoil(frame.depth_m).astype(np.float32))

    code, out, err = scan(f"file:{record_frames([spoilt(f) for f in phantom_frames])}")
    assert (code, out) == (5, "")
    assert one_line(err), err
    assert "refused as" in err
    assert "expected" in err
    assert not list((tmp_path / "scans").glob("*"))


def test_a_bundle_with_one_altered_byte_is_refused_before_anything_is_written(scan, recording, tiny_bundle, tmp_path):
    raw = bytearray((tiny_bundle / "structure.onnx").read_bytes())
    raw[-1] ^= 1
    (tiny_bundle / "structure.onnx").write_bytes(raw)
    code, out, err = scan(f"file:{recording}")
    assert (code, out) == (4, "")
    assert one_line(err), err
    assert "altered" in err
    assert not (tmp_path / "scans").exists()


def test_a_bundle_that_computes_nan_gives_no_angle(scan, recording, tiny_bundle, make_stage, tmp_path):
    path = make_stage("structure", tiny_bundle / "structure.onnx", nan=True)
    manifest = json.loads((tiny_bundle / "manifest.json").read_text())
    manifest["stages"]["structure"].update(file_entry(path))
    (tiny_bundle / "manifest.json").write_text(json.dumps(manifest))
    code, out, err = scan(f"file:{recording}")
    assert (code, out) == (4, "")
    assert "not finite" in err
    assert not list((tmp_path / "scans").glob("*"))


def test_a_place_that_cannot_be_written_is_known_before_the_scan(scan, recording, tmp_path):
    (tmp_path / "scans").write_text("a file")
    code, out, err = scan(f"file:{recording}")
    assert (code, out) == (6, "")
    assert one_line(err), err


def test_a_name_as_reference_is_refused(scan, recording):
    code, _, err = scan(f"file:{recording}", "--subject-ref", "Mary Smith")
    assert code == 2
    assert one_line(err), err


def test_ctrl_c_is_exit_130_in_one_line_and_leaves_no_result(recording, tiny_bundle, tmp_path):
    code = ("import sys, time, edge.scan as s, edge.pipeline as p\n"
            "def slow(self, view):\n    print('started', flush=True)\n    time.sleep(30)\n"
            "p.Pipeline.measure = slow\n"
            "from edge.cli import main\nsys.exit(main(sys.argv[1:]))")
    argv = ["scan", "--camera", f"file:{recording}", "--bundle", str(tiny_bundle), "--out", str(tmp_path / "scans")]
    child = subprocess.Popen([sys.executable, "-c", code, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, env=os.environ | {"PYTHONPATH": os.getcwd()})
    assert child.stdout is not None
    assert child.stdout.readline() == "started\n"
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert err == "latx-edge: interrupted\n"
    assert not list((tmp_path / "scans").glob("*"))
