from __future__ import annotations

import hashlib

import pytest

from edge.errors import BundleError
from edge.runtime import onnx_runner
from edge.runtime.bundle import check_bundle, file_entry, load_bundle
from edge.runtime.manifest import SCHEMA_VERSION


def test_a_whole_bundle_loads_and_is_named_by_its_manifest(tiny_bundle, stage_inputs):
    with load_bundle(tiny_bundle, threads=1) as bundle:
        assert bundle.manifest.name == "tiny"
        assert bundle.sha256 == hashlib.sha256((tiny_bundle / "manifest.json").read_bytes()).hexdigest()
        outputs = bundle.structure.run(stage_inputs(bundle.structure))
        assert outputs["endplates_mm"].shape == (1, 37, 4, 3)
        assert bundle.radiograph.stage == "radiograph"


def test_a_folder_without_a_bundle_is_named(tmp_path):
    for folder, found in ((tmp_path, "no manifest.json"), (tmp_path / "nowhere", "no such folder")):
        with pytest.raises(BundleError, match=found) as refused:
            load_bundle(folder)
        assert str(folder) in str(refused.value)


@pytest.mark.parametrize("name", ["structure.onnx", "radiograph.onnx", "model-card.md"])
def test_a_missing_file_is_named(tiny_bundle, name):
    (tiny_bundle / name).unlink()
    with pytest.raises(BundleError, match=f"{name}: a file of the bundle is missing"):
        load_bundle(tiny_bundle)


@pytest.mark.parametrize("name", ["structure.onnx", "radiograph.onnx", "model-card.md"])
def test_one_flipped_byte_is_enough_to_refuse_a_bundle(tiny_bundle, name):
    raw = bytearray((tiny_bundle / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (tiny_bundle / name).write_bytes(raw)
    with pytest.raises(BundleError, match=f"{name}: a file of the bundle was altered; expected sha256"):
        load_bundle(tiny_bundle)


def test_a_file_cut_short_is_named_with_both_sizes(tiny_bundle):
    path = tiny_bundle / "structure.onnx"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(BundleError, match=f"expected {len(whole)} bytes, found {len(whole) - 10} bytes"):
        load_bundle(tiny_bundle)


def test_nothing_is_loaded_before_everything_is_checked(tiny_bundle, monkeypatch):
    loaded = []
    monkeypatch.setattr(onnx_runner.OnnxRunner, "__init__", lambda self, *_: loaded.append(self))
    (tiny_bundle / "radiograph.onnx").write_bytes(b"x")
    with pytest.raises(BundleError):
        load_bundle(tiny_bundle)
    assert loaded == []


def test_an_unknown_schema_version_is_refused_before_its_fields_are_read(edit_manifest):
    folder = edit_manifest(lambda m: (m.update(schema_version="2.0"), m.pop("stages")))
    with pytest.raises(BundleError, match=rf"expected schema_version {SCHEMA_VERSION}, found 2\.0"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda m: m.pop("trained_on"), "trained_on"),
        (lambda m: m["interval_scales"].pop("sacral_slope"), "interval_scales"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m["stages"]["structure"].update(file="../structure.onnx"), "stages.structure.file"),
        (lambda m: m["stages"]["structure"]["inputs"][0].update(shape=[1, 7, 256, 128]), "stages"),
        (lambda m: m["stages"]["radiograph"]["inputs"][2].update(shape=[1, 5, 32, 16]), "stages"),
        (lambda m: m.update(created_at="yesterday"), "created_at"),
    ],
)
def test_a_manifest_that_does_not_fit_names_the_field(edit_manifest, change, field):
    with pytest.raises(BundleError, match="manifest does not fit") as refused:
        load_bundle(edit_manifest(change))
    assert f"({field})" in str(refused.value)


def test_a_manifest_that_is_no_json_is_refused(tiny_bundle):
    (tiny_bundle / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match="manifest does not fit"):
        check_bundle(tiny_bundle)


def test_a_file_whose_tensors_differ_from_the_manifest_is_refused(tiny_bundle, edit_manifest, make_stage):
    path = make_stage("structure", tiny_bundle / "structure.onnx", drop_output="landmark_tokens")
    folder = edit_manifest(lambda m: m["stages"]["structure"].update(file_entry(path)))
    with pytest.raises(BundleError, match="stage structure has other outputs than the manifest declares"):
        load_bundle(folder)
