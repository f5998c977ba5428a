from __future__ import annotations

from pathlib import Path

import pytest

from edge.doctor import model_checks
from edge.errors import BundleError


def test_the_shipped_bundle_is_well_and_runs_on_onnx_runtime(make_kiosk) -> None:
    kiosk = make_kiosk()
    assert model_checks.bundle(kiosk).level == "ok"
    engines = model_checks.engines(kiosk)
    assert (engines.level, "ONNX Runtime" in engines.what) == ("ok", True)


def test_an_altered_bundle_is_an_error_that_names_the_file(make_kiosk, tiny_bundle: Path) -> None:
    kiosk = make_kiosk(config={"model": {"bundle": str(tiny_bundle)}})
    assert model_checks.bundle(kiosk).level == "ok"
    with (tiny_bundle / "structure.onnx").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff\x00\xff")
    finding = model_checks.bundle(kiosk)
    assert finding.level == "error"
    assert "structure.onnx" in finding.what


def test_engines_that_are_demanded_but_not_there_are_an_error(make_kiosk, tiny_bundle: Path) -> None:
    model = {"bundle": str(tiny_bundle), "runtime": "tensorrt"}
    finding = model_checks.engines(make_kiosk(config={"model": model}))
    assert finding.level == "error"
    assert "latx-export engine" in finding.mend


def test_an_engine_without_its_manifest_is_an_error(make_kiosk, tiny_bundle: Path) -> None:
    for stage in ("structure", "radiograph"):
        (tiny_bundle / f"{stage}.engine").write_bytes(b"engine")
    finding = model_checks.engines(make_kiosk(config={"model": {"bundle": str(tiny_bundle)}}))
    assert finding.level == "error"
    assert "manifest" in finding.what


def test_a_runtime_that_answers_otherwise_than_onnx_runtime_is_an_error(
    make_kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"auto": ({"sacral_slope": 41.0}, "TensorRT 10.3 fp16", 20.0),
               "onnxruntime": ({"sacral_slope": 38.5}, "onnxruntime 1.20", 70.0)}  # fmt: skip
    monkeypatch.setattr(model_checks, "_measure_demo", lambda *asked: answers[asked[1]])
    finding = model_checks.self_test(make_kiosk())
    assert finding.level == "error"
    assert "2.5 deg" in finding.what


def test_a_bundle_that_cannot_run_fails_the_self_test(make_kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise BundleError("the model failed", where="structure")

    monkeypatch.setattr(model_checks, "_measure_demo", broken)
    assert model_checks.self_test(make_kiosk()).level == "error"


def test_without_tensorrt_it_is_an_error_only_where_it_is_demanded(make_kiosk) -> None:
    free = model_checks.tensorrt(make_kiosk())
    demanded = model_checks.tensorrt(make_kiosk(config={"model": {"runtime": "tensorrt"}}))
    if "TensorRT 1" not in free.what:  # this machine has none
        assert (free.level, demanded.level) == ("ok", "error")
    else:
        assert (free.level, demanded.level) == ("ok", "ok")
