"""A whole bundle in miniature, with untrained networks, and views to calibrate it on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calib.collect.calibration_set import CalibrationSet, SetManifest
from edge.runtime.bundle import file_entry
from edge.runtime.manifest import INTERVAL_NAMES
from edge.runtime.onnx_runner import OnnxRunner


def tensors(specs):
    return [{"name": s.name, "shape": s.shape, "dtype": s.dtype} for s in specs]


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory):
    """Both stages with the smallest networks, as files that ``check_bundle`` takes."""
    import torch

    from export.model.config import ModelConfig
    from export.model.radiograph import RadiographNet
    from export.model.structure import StructureNet
    from export.onnx.graph import export_graph, stage_graphs

    torch.manual_seed(0)
    torch.set_num_threads(1)
    config = ModelConfig(width=24, token_width=16, heads=2, structure_blocks=1, radiograph_blocks=1,
                         landmark_modes=5, profile_width=12, decoder_width=8)
    structure, radiograph = StructureNet(config).eval(), RadiographNet(config).eval()
    down = torch.linspace(20.0, -410.0, 37)
    spine = torch.stack([60 - 10 * torch.cos(down / 80), down, torch.zeros(37)], dim=-1)
    rims = torch.tensor([[16.0, 2.0, 0.0], [-16.0, -2.0, 0.0], [0.0, 0.0, -20.0], [0.0, 0.0, 20.0]])
    modes = torch.randn(5, 37, 4, 3)
    template = torch.rand(2, 512, 256)
    structure.load_prior(spine[:, None] + rims, modes, template)
    for layer in (structure.head.coefficients, structure.head.free):
        torch.nn.init.normal_(layer.weight, std=0.05)
    folder = tmp_path_factory.mktemp("small") / "bundle"
    folder.mkdir()
    stages = {}
    for graph in stage_graphs(structure, radiograph):
        path = folder / f"{graph.stage}.onnx"
        export_graph(graph, path, "matmul")
        runner = OnnxRunner(graph.stage, path, 1)
        stages[graph.stage] = {**file_entry(path), "inputs": tensors(runner.inputs), "outputs": tensors(runner.outputs)}
    (folder / "model-card.md").write_text("# untrained\n")
    (folder / "manifest.json").write_text(json.dumps({
        "schema_version": "1.0", "name": "small", "version": "0.0.1", "created_at": "2026-01-02T03:04:05Z",
        "trained_on": "nothing", "opset": 18, "fft_lowering": "matmul", "precision": "fp32", "stages": stages,
        "model_card": file_entry(folder / "model-card.md"), "interval_scales": dict.fromkeys(INTERVAL_NAMES, 1.6),
        "template": {"description": "noise", "subjects": 1},
    }))
    return folder


@pytest.fixture(scope="session")
def few_views(small_bundle):
    """Two views as ``collect`` would give them, of noise, through the bundle's own stage 1."""
    rng = np.random.default_rng(1)
    structure = OnnxRunner("structure", small_bundle / "structure.onnx", 1)
    radiograph = OnnxRunner("radiograph", small_bundle / "radiograph.onnx", 1)
    views = []
    for _ in range(2):
        view = {s.name: rng.uniform(0, 1, s.shape).astype(np.float32) for s in structure.inputs}
        known = view | structure.run(view)
        views.append({s.name: known[s.name] for s in (*structure.inputs, *radiograph.inputs)})
    return views


@pytest.fixture
def calibration(small_bundle, few_views, tmp_path):
    manifest = SetManifest(created_at="2026-01-02T03:04:05Z", structure_sha256="0" * 64, recordings=4,
                           tensors=(), views=())
    return CalibrationSet(few_views, manifest, "1" * 64, tmp_path)
