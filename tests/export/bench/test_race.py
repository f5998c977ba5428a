"""``latx-export bench`` on a bundle in miniature: what it measures, and what it says of those that are not there."""

from __future__ import annotations

import json

import numpy as np
import pytest

from export.bench.contenders import CONTENDERS, Setting
from export.bench.race import Bench, Row, race
from export.bench.worker import Worker
from export.cli import main


@pytest.fixture
def view():
    return {"back_view": np.ones((1, 8, 256, 128), np.float32), "lateral_lift": np.zeros((1, 4, 256, 128), np.float32)}


def test_who_can_run_is_timed_and_who_cannot_is_named(tiny_bundle, tmp_path, view, capsys):
    np.savez(tmp_path / "view.npz", **view)
    names = ["PyTorch eager", "ONNX Runtime FP32", "OpenVINO FP32", "ONNX Runtime INT8"]
    only = [part for name in names for part in ("--only", name)]
    figures = tmp_path / "bench.json"
    assert main(["bench", str(tiny_bundle), *only, "--views", str(tmp_path / "view.npz"), "--frames", "6",
                 "--threads", "1", "--json", str(figures)]) == 0
    result = json.loads(figures.read_text())
    assert [row["name"] for row in result["rows"]] == ["ONNX Runtime FP32", "OpenVINO FP32"]
    for row in result["rows"]:
        assert 0 < row["p50_ms"] <= row["p95_ms"]
        assert row["memory_mb"] > 20
        assert row["apart_deg"] < 1e-3
    assert result["rows"][0]["ratio"] == 1.0
    assert set(result["not_run"]) == {"PyTorch eager", "ONNX Runtime INT8"}
    printed = capsys.readouterr().out
    assert "not run: PyTorch eager: --checkpoint: there are no trained networks to time" in printed
    assert "6 frames each, in turns, 1 threads" in printed


def test_nobody_is_timed_who_could_not_be_loaded(tiny_bundle, view):
    bench = race(["TensorRT"], Setting(tiny_bundle, None, 1), [view], 3)
    assert bench.rows == []
    assert "no TensorRT engines" in bench.absent["TensorRT"]


def test_who_takes_too_long_is_given_up_and_the_others_run(tiny_bundle, view, monkeypatch):
    real = Worker.ready
    monkeypatch.setattr(Worker, "ready", lambda self, patience_s: real(
        self, 0.0 if self.name == "OpenVINO FP32" else patience_s))
    said = []
    bench = race(["OpenVINO FP32", "ONNX Runtime FP32"], Setting(tiny_bundle, None, 1), [view], 2, 300.0, said.append)
    assert [row.name for row in bench.rows] == ["ONNX Runtime FP32"]
    assert "loading took longer than 0 s" in bench.absent["OpenVINO FP32"]
    assert said[:2] == ["OpenVINO FP32: loading", "ONNX Runtime FP32: loading"]


def test_the_ratio_is_how_many_times_as_fast_as_the_first_row():
    rows = [Row("PyTorch eager", 100.0, 120.0, 500.0, 2.0, 0.0), Row("ONNX Runtime FP32", 50.0, 60.0, 200.0, 1.0, 0.0)]
    bench = Bench(rows, {}, 10, 2)
    assert bench.ratio(rows[1]) == 2.0


def test_an_unknown_contender_is_refused_with_the_list(tiny_bundle, capsys):
    assert main(["bench", str(tiny_bundle), "--only", "abacus"]) == 2
    error = capsys.readouterr().err
    assert all(name in error for name in CONTENDERS)
