"""Writes a whole model bundle, or nothing: files, checks and card are made in a draft folder that is then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.errors import BundleError, OutputError, UsageError
from edge.runtime.bundle import file_entry
from edge.runtime.manifest import (
    MANIFEST,
    Manifest,
    StageEntries,
    StageEntry,
    TemplateEntry,
    TensorEntry,
    parse_manifest,
)
from edge.runtime.onnx_runner import OnnxRunner
from edge.runtime.runner import StageRunner
from export.model.radiograph import RadiographNet
from export.model.structure import StructureNet
from export.onnx.agreement import compare, hold
from export.onnx.card import model_card
from export.onnx.graph import OPSET, export_graph, stage_graphs
from export.onnx.intervals import conformal_scales, validation_errors
from export.onnx.stand_in import runnable_file
from export.train.dataset import validation_batches
from export.train.sample import SampleSource

COMPARED_SUBJECTS = 8
"""Validation subjects on which the ONNX files are held against the trained networks."""


@dataclass(frozen=True)
class BundleFacts:
    """What the manifest says about the weights' origin. ``training``: per stage what ``record_training`` wrote."""

    name: str
    version: str
    trained_on: str
    training: Mapping[str, Any]
    template_subjects: int
    template_seeds: str


def write_bundle(
    folder: Path, structure: StructureNet, radiograph: RadiographNet, validation: SampleSource, facts: BundleFacts,
    fft: str,
) -> Manifest:
    """Export both stages, verify them in ONNX Runtime, fit the intervals, and write manifest and model card.

    Raises:
        UsageError: ``folder`` holds something that is no bundle. BundleError: the files do not agree with the
        networks. OutputError: the folder cannot be written.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise UsageError("the folder is not empty and no bundle", where=str(folder), mend="choose another --out")
    draft = folder.with_name(f".{folder.name}.draft-{os.getpid()}")
    try:
        draft.mkdir(parents=True)
        manifest = _write(draft, structure, radiograph, validation, facts, fft)
        _replace(draft, folder)
    except OSError as error:
        raise OutputError("cannot write the bundle", where=str(folder), expected="a writable folder",
                          found=str(error), mend="choose another --out") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _write(
    draft: Path, structure: StructureNet, radiograph: RadiographNet, validation: SampleSource, facts: BundleFacts,
    fft: str,
) -> Manifest:
    seen = validation_errors(structure, validation)
    scales = conformal_scales(seen)
    graphs = stage_graphs(structure, radiograph)
    paths = {graph.stage: draft / f"{graph.stage}.onnx" for graph in graphs}
    for graph in graphs:
        export_graph(graph, paths[graph.stage], fft)
    with tempfile.TemporaryDirectory(prefix="latx-onnx-") as scratch:
        runners = {stage: OnnxRunner(stage, runnable_file(path, Path(scratch))) for stage, path in paths.items()}
    batches = (b for b, _ in zip(validation_batches(validation, 1, False), range(COMPARED_SUBJECTS), strict=False))
    agreement = compare(graphs, (runners["structure"], runners["radiograph"]), batches)
    hold(agreement)
    described = getattr(validation, "described", f"{len(validation)} samples")
    card = model_card(
        facts.name, facts.version, facts.trained_on, structure.config, facts.training, seen.mean_absolute(), scales,
        described, agreement.flat(),
    )
    (draft / "model-card.md").write_text(card, encoding="utf-8")
    manifest = Manifest(
        name=facts.name, version=facts.version, created_at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        trained_on=facts.trained_on, opset=OPSET, fft_lowering=fft,  # type: ignore[arg-type]
        precision="fp32",
        stages=StageEntries(**{stage: _entry(paths[stage], runners[stage]) for stage in paths}),
        model_card=file_entry(draft / "model-card.md"),  # type: ignore[arg-type]
        interval_scales=scales,
        template=TemplateEntry(
            description="groupwise mean of phantom radiographs, warped to their mean landmarks",
            subjects=facts.template_subjects, seeds=facts.template_seeds,
        ),
        agreement=agreement.flat(),
        training={**facts.training, "validated_on": described,
                  "mean_absolute_error_deg": seen.mean_absolute(), "config": structure.config.to_json()},
    )
    for runner in runners.values():
        runner.close()
    (draft / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return manifest


def _entry(path: Path, runner: StageRunner) -> StageEntry:
    def tensors(specs: Any) -> tuple[TensorEntry, ...]:
        return tuple(TensorEntry(name=s.name, shape=s.shape, dtype=s.dtype) for s in specs)

    return StageEntry(**file_entry(path), inputs=tensors(runner.inputs), outputs=tensors(runner.outputs))


def _replace(draft: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    former = _vouched_for(folder)
    # The manifest goes last: until then the old one refuses the new files by their hashes.
    for path in sorted(draft.iterdir(), key=lambda p: p.name == MANIFEST):
        os.replace(path, folder / path.name)
    # Files of the former weights in other precisions: no manifest names them any more.
    for name in former - _vouched_for(folder):
        (folder / name).unlink(missing_ok=True)


def _vouched_for(folder: Path) -> set[str]:
    path = folder / MANIFEST
    try:
        return {entry.file for entry in parse_manifest(path.read_bytes(), path).files}
    except (OSError, BundleError):  # none yet, or one of another version
        return set()
