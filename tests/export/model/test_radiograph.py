"""Stage 2 keeps its contract in every ablation."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from edge.runtime.stages import STAGES
from export.model.config import ModelConfig
from export.model.radiograph import RadiographNet, radiograph_input_shapes


@pytest.mark.parametrize("switch", ["", "use_ffc", "use_attention", "use_lift"])
def test_every_ablation_gives_a_picture_on_the_radiograph_grid(config: ModelConfig, switch: str) -> None:
    if switch:
        config = dataclasses.replace(config, **{switch: False})
    shapes = radiograph_input_shapes(config)
    assert [r.name for r in STAGES["radiograph"].inputs] == list(shapes)
    with torch.no_grad():
        got = RadiographNet(config).eval()(*(torch.rand(s) for s in shapes.values()))
    assert tuple(got.shape) == STAGES["radiograph"].outputs[0].shape
    assert torch.isfinite(got).all()


def test_the_output_starts_as_the_warped_template(config: ModelConfig) -> None:
    inputs = [torch.rand(s) for s in radiograph_input_shapes(config).values()]
    net = RadiographNet(config).eval()
    torch.nn.init.zeros_(net.fine.weight)
    with torch.no_grad():
        torch.testing.assert_close(net(*inputs), inputs[0][:, :1])


def test_the_endplates_decide_where_bodies_are_drawn(config: ModelConfig, made) -> None:
    inputs = [torch.rand(s) for s in radiograph_input_shapes(config).values()]
    net = RadiographNet(config).eval()
    with torch.no_grad():
        first, second = (net(*inputs[:4], torch.from_numpy(made(b).endplates_mm)[None]) for b in (5.0, 30.0))
    assert (first - second).abs().max() > 1e-4
