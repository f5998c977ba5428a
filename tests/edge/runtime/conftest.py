"""What the tests of the runners and of the bundle share."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edge.runtime.stages import STAGES


@pytest.fixture
def edit_manifest(tiny_bundle):
    """Apply a change to the manifest's values."""

    def edit(change):
        path = tiny_bundle / "manifest.json"
        values = json.loads(path.read_text())
        change(values)
        path.write_text(json.dumps(values))
        return tiny_bundle

    return edit


@pytest.fixture
def make_tensorrt_stages(tmp_path, make_stage):
    """Both tiny stages on whatever ``tensorrt`` is installed, the stand-in or the real one; closed with the test."""
    from edge.runtime.gpu import open_gpu
    from edge.runtime.tensorrt_bundle import import_tensorrt
    from edge.runtime.tensorrt_runner import TensorRtStages
    from export.engine.build import BuildOptions, build_engine
    from export.engine.progress import Progress

    opened = []

    def make(**options):
        trt = import_tensorrt()
        engines = {}
        for stage in STAGES:
            source = make_stage(stage, tmp_path / f"{stage}-source.onnx", **options)
            engines[stage], _ = build_engine(trt, source, BuildOptions(1 << 28, 0), Progress(stage))
        opened.append(TensorRtStages(trt, open_gpu(), engines, {s: f"{s}.engine" for s in STAGES}, "fp32"))
        return opened[-1]

    yield make
    for stages in opened:
        stages.close()


@pytest.fixture
def stage_inputs():
    """Random inputs of a stage by name."""

    def make(runner):
        rng = np.random.default_rng(0)
        return {s.name: rng.uniform(0, 1, s.shape).astype(np.float32) for s in runner.inputs}

    return make
