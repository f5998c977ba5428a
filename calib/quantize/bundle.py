"""A bundle with FP16 and INT8 files beside its FP32 ones: everything is made in a draft that then takes its place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import onnx

from calib.collect.calibration_set import CalibrationSet, draft_folder
from calib.quantize.decide import Decision, Say, StageDecider
from calib.quantize.forms import StageFile, cpu_file, drift_of, half_file, tensorrt_file
from calib.quantize.picture import write_picture
from calib.quantize.report import as_json
from edge.runtime.bundle import check_bundle, file_entry
from edge.runtime.manifest import MANIFEST, Manifest, PrecisionEntry, PrecisionFile, WiderLayer
from edge.runtime.stages import STAGES

REPORT, PICTURE = "quantize.json", "quantize.png"


def quantize_bundle(source: Path, out: Path, calibration: CalibrationSet, threads: int, say: Say) -> list[Decision]:
    """Decide, write and verify every precision of the bundle in ``source``, and write the whole bundle to ``out``.

    Raises:
        BundleError: the bundle does not fit, or a stage does not bear FP16.
        UsageError: ``out`` holds something else. OutputError: it cannot be written; what was there is untouched.
    """
    manifest, _ = check_bundle(source)
    decisions: list[Decision] = []
    files: dict[str, list[StageFile]] = {"fp16": [], "int8-cpu": [], "int8": []}
    with draft_folder(out, "bundle", MANIFEST) as draft:
        for stage in STAGES:
            model = onnx.load(source / getattr(manifest.stages, stage).file)
            decider = StageDecider(stage, model, calibration.views, threads, say)
            say(f"{stage}: FP16")
            files["fp16"].append(half_file(decider, model))
            on_cpu, on_tensorrt = decider.decide("int8-cpu"), decider.decide("int8", methods=("min-max",))
            files["int8-cpu"].append(cpu_file(on_cpu))
            files["int8"].append(tensorrt_file(on_tensorrt, decider))
            decisions += [on_cpu, on_tensorrt]
        entries = {
            precision: _entry(draft, made, decisions, calibration) for precision, made in files.items()
        }
        older = {file.file for entry in manifest.precisions.values() for file in entry.files}
        for kept in manifest.files:
            if kept.file not in older:
                shutil.copyfile(source / kept.file, draft / kept.file)
        new = Manifest.model_validate(manifest.model_dump() | {"precisions": entries})
        (draft / MANIFEST).write_text(new.model_dump_json(indent=1) + "\n", encoding="utf-8")
        check_bundle(draft)
        content = as_json(decisions, _about(manifest, calibration, files))
        (draft / REPORT).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        write_picture(decisions, draft / PICTURE)
    return decisions


def _entry(
    draft: Path, made: list[StageFile], decisions: list[Decision], calibration: CalibrationSet,
) -> PrecisionEntry:
    written = {}
    for file in made:
        path = draft / f"{file.stage}.{file.precision}.onnx"
        onnx.helper.set_model_props(
            file.model, {p.key: p.value for p in file.model.metadata_props} | {"latx.precision": file.precision}
        )
        onnx.checker.check_model(file.model)
        onnx.save(file.model, path)
        wider = tuple(WiderLayer(layer=n, precision=p, reason=why) for n, (p, why) in file.wider.items())  # type: ignore[arg-type]
        written[file.stage] = PrecisionFile(**file_entry(path), narrow_layers=file.narrow_layers, wider=wider)
    methods = {d.stage: d.method for d in decisions if d.form == made[0].precision}
    return PrecisionEntry(
        structure=written["structure"], radiograph=written["radiograph"], ranges=methods,
        calibration_sha256=calibration.sha256, drift=drift_of(made, len(calibration.views)),
    )


def _about(manifest: Manifest, calibration: CalibrationSet, files: dict[str, list[StageFile]]) -> dict[str, Any]:
    views = len(calibration.views)
    return {
        "bundle": f"{manifest.name} {manifest.version}", "calibration_sha256": calibration.sha256, "views": views,
        "drift": {precision: drift_of(made, views) for precision, made in files.items()},
        "not_measured": "latency on a GPU: layers of the TensorRT file are those that gain on this CPU and keep the "
                        "angles; latx-export engine times and tests them on the device",
    }
