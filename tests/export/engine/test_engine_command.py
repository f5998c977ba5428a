"""``latx-export engine`` from end to end on the stand-in: what it writes, what it refuses, what it leaves as it was."""

from __future__ import annotations

import json
import os
import resource
import shutil

import numpy as np
import pytest

from edge.errors import BundleError, MissingDependencyError
from edge.runtime.bundle import load_bundle, sha256_of
from edge.runtime.engine_manifest import BOUND_FIELDS

FILES = ("structure.engine", "structure.engine.json", "radiograph.engine", "radiograph.engine.json")


@pytest.fixture
def engines(bundle, stand_in_gpu, run_engine, capsys):
    """A bundle with engines of TensorRT 10.3 for an Orin."""
    gpu, trt = stand_in_gpu()
    assert run_engine() == 0
    return gpu, trt


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_it_writes_two_engines_with_their_manifests_and_says_how_far_the_angles_moved(engines, bundle, capsys):
    gpu, _ = engines
    printed = capsys.readouterr()
    assert set(FILES) <= {path.name for path in bundle.iterdir()}
    manifest = json.loads((bundle / "structure.engine.json").read_text())
    assert manifest["engine"]["sha256"] == sha256_of(bundle / "structure.engine")
    assert manifest["source"]["file"] == "structure.fp16.onnx"
    assert manifest["source"]["sha256"] == sha256_of(bundle / "structure.fp16.onnx")
    assert manifest["environment"] | {"l4t": ""} == {
        "tensorrt": "10.3.0", "cuda": "12.6", "gpu": "Orin (stand-in)", "compute_capability": "8.7",
        "multiprocessors": 8, "driver": "12.6", "l4t": "",
    }
    drift = manifest["self_test"]["mean_deg"]
    assert 0 < max(drift.values()) < 0.5  # weights were rounded: the angles moved, and by how much is measured
    assert manifest["self_test"]["views"] == 2
    assert manifest["precision"] == "fp16"
    assert "head fp32: moves the sacral slope" in manifest["precision_reason"]
    assert "mean drift" not in printed.err
    assert not gpu.alive
    assert gpu.contexts == 0


def test_the_engines_then_run_the_model_without_being_asked_for(engines, bundle):
    with load_bundle(bundle) as loaded:
        assert loaded.structure.runtime.startswith("tensorrt 10.3.0 fp16 on Orin")
        assert loaded.joined is not None
    with load_bundle(bundle, runtime="onnxruntime") as loaded:
        assert loaded.structure.runtime.startswith("onnxruntime")


@pytest.mark.parametrize("version", ["10.3.0", "11.4.1"])
def test_the_same_code_builds_on_both_generations(version, bundle, stand_in_gpu, run_engine):
    stand_in_gpu(version=version)
    assert run_engine() == 0
    assert json.loads((bundle / "radiograph.engine.json").read_text())["environment"]["tensorrt"] == version


def test_a_second_build_uses_the_timing_cache_of_the_first(engines, bundle, run_engine, tmp_path):
    (cache,) = (tmp_path / "cache").iterdir()
    assert cache.name.startswith("timing-trt10.3.0-cuda12.6-Orin-stand-in-sm87-8sm-")
    assert run_engine() == 0
    assert json.loads((bundle / "structure.engine.json").read_text())["builder"]["timing_cache"] == "used"


ELSEWHERE = {
    "tensorrt": {"version": "10.7.0"},
    "cuda": {"cuda": (12, 8, 0)},
    "gpu": {"name": "NVIDIA Thor"},
    "compute_capability": {"capability": (11, 0)},
    "multiprocessors": {"multiprocessors": 14},
}


def test_every_bound_field_is_tried():
    assert set(ELSEWHERE) == set(BOUND_FIELDS)


def test_an_engine_from_elsewhere_is_refused_before_it_is_read_and_names_field_and_command(
        engines, bundle, stand_in_gpu, monkeypatch):
    read = []
    for field in BOUND_FIELDS:
        _, trt = stand_in_gpu(**ELSEWHERE[field])
        monkeypatch.setattr(trt.Runtime, "deserialize_cuda_engine", lambda *_: read.append(1))
        with pytest.raises(BundleError, match=rf"environment\.{field}") as refused:
            load_bundle(bundle, runtime="tensorrt")
        assert f"latx-export engine {bundle} --precision fp16" in str(refused.value)
    assert read == []


def test_engines_from_elsewhere_are_passed_over_with_a_warning_where_the_choice_is_free(
        engines, bundle, stand_in_gpu, caplog):
    stand_in_gpu(version="11.4.1")
    with load_bundle(bundle) as loaded:
        assert loaded.structure.runtime.startswith("onnxruntime")
    assert "environment.tensorrt" in caplog.text
    assert "latx-export engine" in caplog.text


def test_one_altered_byte_in_any_file_is_refused_and_named(engines, bundle):
    load_bundle(bundle, runtime="tensorrt").close()
    for name in (*FILES, "structure.fp16.onnx"):
        path = bundle / name
        whole = path.read_bytes()
        raw = bytearray(whole)
        place = raw.index(b'"sha256"') + 12 if name.endswith(".json") else len(raw) // 2
        raw[place] = ord("0") if raw[place] != ord("0") else ord("1")
        path.write_bytes(raw)
        for runtime in ("auto", "tensorrt"):
            with pytest.raises(BundleError) as refused:
                load_bundle(bundle, runtime=runtime)
            assert name.removesuffix(".json") in str(refused.value)
            assert refused.value.exit_code == 4
        path.write_bytes(whole)


def test_a_missing_manifest_and_a_missing_engine_are_named(engines, bundle):
    (bundle / "radiograph.engine.json").rename(bundle / "elsewhere")
    with pytest.raises(BundleError, match=r"radiograph.engine.json: the engine has no manifest"):
        load_bundle(bundle)
    (bundle / "elsewhere").rename(bundle / "radiograph.engine.json")
    (bundle / "radiograph.engine").unlink()
    with pytest.raises(BundleError, match=r"radiograph.engine: the engine is missing"):
        load_bundle(bundle)


def test_without_engines_tensorrt_cannot_be_demanded(bundle, stand_in_gpu):
    stand_in_gpu()
    with pytest.raises(BundleError, match="no TensorRT engines"):
        load_bundle(bundle, runtime="tensorrt")


def test_without_tensorrt_the_engines_are_passed_over_or_missed(engines, bundle, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with load_bundle(bundle) as loaded:
        assert loaded.structure.runtime.startswith("onnxruntime")
    with pytest.raises(MissingDependencyError, match="TensorRT is not installed"):
        load_bundle(bundle, runtime="tensorrt")


def test_engines_that_move_the_angles_are_not_installed(bundle, stand_in_gpu, run_engine, spoil, capsys):
    stand_in_gpu()
    spoil(bundle / "structure.onnx", bundle / "structure.fp16.onnx", noise_mm=1.0)
    before = bytes_of(bundle)
    assert run_engine() == 4
    error = capsys.readouterr().err
    assert "moves the angles too far" in error
    assert "a mean of at most 0.1" in error
    assert bytes_of(bundle) == before


@pytest.mark.parametrize("why", ["the builder", "a full disk"])
def test_a_failed_build_leaves_the_former_engines_as_they_were(why, engines, bundle, stand_in_gpu, run_engine, capsys):
    before = bytes_of(bundle)
    capsys.readouterr()
    if why == "the builder":
        stand_in_gpu(refuse_build="Could not find any implementation for node conv_7")
        assert run_engine() == 4
        assert "conv_7" in capsys.readouterr().err
    else:
        stand_in_gpu()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))  # the kernel refuses to write more, as a full disk
        try:
            assert run_engine() == 6
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "cannot write the engine" in capsys.readouterr().err
    assert bytes_of(bundle) == before


def test_ctrl_c_in_the_build_leaves_the_former_engines_as_they_were(
        engines, bundle, stand_in_gpu, run_engine, monkeypatch, capsys):
    from export.engine import progress

    before = bytes_of(bundle)
    stand_in_gpu()
    step = progress.Progress.step

    def interrupted(self, name, number):
        if number == 2:
            os.kill(os.getpid(), 2)
        return step(self, name, number)

    monkeypatch.setattr(progress.Progress, "step", interrupted)
    assert run_engine() == 130
    assert "interrupted" in capsys.readouterr().err
    assert bytes_of(bundle) == before


def test_a_bundle_without_the_precision_says_how_to_write_it(bundle, stand_in_gpu, run_engine, capsys):
    stand_in_gpu()
    assert run_engine("--precision", "int8") == 4
    assert "no int8 files; expected precision int8, found fp32, fp16; write" in capsys.readouterr().err


def test_an_operator_that_tensorrt_lacks_is_named_with_its_node(bundle, stand_in_gpu, run_engine, capsys, add_node):
    stand_in_gpu()
    add_node(bundle / "radiograph.fp16.onnx", "DFT", "spectrum_3")
    before = bytes_of(bundle)
    assert run_engine() == 4
    error = capsys.readouterr().err
    assert "DFT node 'spectrum_3'" in error
    assert "Plugin not found" in error
    assert bytes_of(bundle) == before


def test_the_plugin_is_looked_up_before_anything_is_parsed(bundle, stand_in_gpu, run_engine, capsys, tmp_path):
    path, matmul = bundle / "manifest.json", tmp_path / "matmul"
    shutil.copytree(bundle, matmul)
    path.write_text(path.read_text().replace('"fft_lowering": "matmul"', '"fft_lowering": "plugin"'))
    stand_in_gpu()
    assert run_engine() == 4
    assert "expected --reference with the same weights" in capsys.readouterr().err
    beside = ("--reference", str(matmul))
    assert run_engine(*beside) == 4
    assert "expected creator FFTPlugin version 1" in capsys.readouterr().err
    assert run_engine(*beside, "--plugin", str(tmp_path / "none.so")) == 4
    assert "there is no plugin library here" in capsys.readouterr().err
    library = tmp_path / "libfft.so"
    library.write_text("plugins: FFTPlugin")
    assert run_engine(*beside, "--plugin", str(library)) == 0
    library.write_text("plugins: FFTPlugin, Other")
    with pytest.raises(BundleError, match="plugin library is another one"):
        load_bundle(bundle, runtime="tensorrt")
    stand_in_gpu(version="11.4.1")
    assert run_engine(*beside) == 0  # from 11.2 on TensorRT brings it


def test_a_scan_runs_on_the_engines(engines, bundle, tmp_path, capsys):
    from edge.cli import main

    capsys.readouterr()
    arguments = ["--camera", "demo", "--bundle", str(bundle), "--frames", "3", "--runtime", "tensorrt", "--json"]
    assert main(["scan", *arguments, "--out", str(tmp_path / "scans")]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["model"]["runtime"].startswith("tensorrt 10.3.0 fp16")
    assert record["timing_ms"]["structure and radiograph"] > 0
    assert np.isfinite(record["angles"]["sacral_slope"]["value_deg"])
