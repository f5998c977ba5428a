"""Whether ONNX Runtime loads a file and computes finite values from it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from edge.errors import BundleError
from edge.runtime.onnx_runner import OnnxRunner
from export.check.findings import ModelFile, Outcome, failed, passed
from export.onnx.stand_in import runnable_file


def check_onnxruntime(file: ModelFile) -> Outcome:
    """One run on seeded noise; a plugin node, which ONNX Runtime lacks, is stood in for by matrix products."""
    with tempfile.TemporaryDirectory(prefix="latx-check-") as scratch:
        try:
            runner = OnnxRunner(file.stage or file.path.stem, runnable_file(file.path, Path(scratch)), 1)
        except BundleError as refusal:
            return failed(refusal.found or refusal.what)
        rng = np.random.default_rng(0)
        tensors = {s.name: rng.standard_normal(s.shape).astype(s.dtype) for s in runner.inputs if 0 not in s.shape}
        try:
            started = time.perf_counter()
            outputs = runner.run(tensors)
            spent_ms = (time.perf_counter() - started) * 1e3
        except BundleError as refusal:
            return failed(refusal.line())
        finally:
            runner.close()
    stand_in = f"; {file.plugin_count} plugin nodes stood in for by matrix products" if file.plugin_count else ""
    return passed(f"{runner.runtime}, {len(outputs)} finite outputs, first run {spent_ms:.0f} ms{stand_in}")
