"""Stage 1 keeps its contract in every ablation."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from edge.runtime.stages import STAGES
from export.model.config import ModelConfig
from export.model.structure import STRUCTURE_INPUTS, STRUCTURE_OUTPUTS, StructureGraph, StructureNet


def random_inputs() -> list[torch.Tensor]:
    return [torch.rand(shape) for shape in STRUCTURE_INPUTS.values()]


def with_shape_model(config: ModelConfig) -> StructureNet:
    net = StructureNet(config)
    mean = torch.randn(37, 4, 3) * 50
    net.load_prior(mean, torch.randn(5, 37, 4, 3), torch.rand(2, 512, 256))
    return net


@pytest.mark.parametrize("switch", ["", "use_ffc", "use_attention", "use_sdn", "use_lift"])
def test_every_ablation_keeps_the_contract_of_the_stage(config: ModelConfig, switch: str) -> None:
    if switch:
        config = dataclasses.replace(config, **{switch: False})
    with torch.no_grad():
        outputs = StructureGraph(with_shape_model(config).eval())(*random_inputs())
    for rule, name, value in zip(STAGES["structure"].outputs, STRUCTURE_OUTPUTS, outputs, strict=True):
        assert rule.name == name
        assert all(size in (None, got) for size, got in zip(rule.shape, value.shape, strict=True)), name
        assert torch.isfinite(value).all()


def test_standard_deviations_are_positive_and_do_not_bend_the_estimate(config: ModelConfig) -> None:
    net = with_shape_model(config)
    got = net(*(x.expand(2, -1, -1, -1) for x in random_inputs()))
    assert got.angle_sd_deg.min() > 0
    (got.angle_sd_deg.sum() + got.endplates_sd_mm.sum()).backward()
    assert net.back_stem[0].weight.grad is None
    assert net.head.angle_sd[0].weight.grad.abs().sum() > 0


def test_without_the_lift_the_lift_does_not_matter(config: ModelConfig) -> None:
    back, lift = random_inputs()
    blind = with_shape_model(dataclasses.replace(config, use_lift=False)).eval()
    torch.testing.assert_close(blind(back, lift).endplates_mm, blind(back, 1 - lift).endplates_mm)
    seeing = with_shape_model(config).eval()
    torch.nn.init.normal_(seeing.head.coefficients.weight)
    assert (seeing(back, lift).endplates_mm - seeing(back, 1 - lift).endplates_mm).abs().max() > 1e-4


def test_autocast_leaves_the_landmarks_in_full_precision(config: ModelConfig) -> None:
    net = with_shape_model(config).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert net(*random_inputs()).endplates_mm.dtype == torch.float32


def test_the_config_survives_json_and_refuses_unknown_fields(config: ModelConfig) -> None:
    from edge.errors import BundleError

    assert ModelConfig.from_json(config.to_json()) == config
    with pytest.raises(BundleError, match="another model version"):
        ModelConfig.from_json({"depth": 3})
