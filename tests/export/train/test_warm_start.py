from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edge.errors import BundleError
from export.model.config import EXPERTS, ModelConfig
from export.model.experts import LinearExperts
from export.model.profile import SAGITTAL_CHANNELS
from export.model.structure import StructureNet
from export.train.loop import load_checkpoint, save_atomic
from export.train.warm_start import warm_start

SMALL = ModelConfig(structure_blocks=1, landmark_modes=4, width=24, token_width=16, profile_width=8)
EVEN = torch.full((1, len(EXPERTS)), 1 / len(EXPERTS))


def saved(config: ModelConfig, folder: Path) -> tuple[StructureNet, Path]:
    torch.manual_seed(3)
    net = StructureNet(config).eval()
    path = folder / "structure.pt"
    save_atomic({"config": config.to_json(), "net": net.state_dict()}, path)
    return net, path


def test_a_deeper_network_starts_as_the_one_that_it_was_given(tmp_path: Path) -> None:
    given, path = saved(SMALL, tmp_path)
    deeper = StructureNet(replace(SMALL, structure_blocks=3)).eval()
    views = torch.randn(1, 8, 256, 128), torch.rand(1, 4, 256, 128)
    with torch.no_grad():
        before = (deeper(*views).back_features - given(*views).back_features).abs().max()
        added = warm_start(deeper, path)
        after = (deeper(*views).back_features - given(*views).back_features).abs().max()
    assert added == ["blocks.1", "blocks.2"]
    assert after == 0
    assert before > 0


def test_profiles_that_the_given_network_did_not_see_start_unread(tmp_path: Path) -> None:
    given, path = saved(SMALL, tmp_path)
    file = load_checkpoint(path)
    for key in [k for k in file["net"] if k.startswith("profile.scale.") and file["net"][k].dim()]:
        file["net"][key] = file["net"][key][:SAGITTAL_CHANNELS]
    file["net"]["profile.enter.0.weight"] = file["net"]["profile.enter.0.weight"][:, :SAGITTAL_CHANNELS]
    save_atomic(file, path)

    fuller = StructureNet(SMALL).eval()
    assert warm_start(fuller, path) == []
    back = torch.rand(1, 8, 256, 128)
    with torch.no_grad():
        assert (fuller.profile(back, EVEN)[0] - given.profile(back, EVEN)[0]).abs().max() > 1e-4
        given.profile.enter[0].weight[:, SAGITTAL_CHANNELS:] = 0
        for own, others in zip(fuller.profile(back, EVEN), given.profile(back, EVEN), strict=True):
            torch.testing.assert_close(own, others)


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    _, path = saved(SMALL, tmp_path)
    with pytest.raises(BundleError, match="do not fit"):
        warm_start(StructureNet(replace(SMALL, width=48)), path)


def test_experts_that_the_given_network_had_not_start_alike(tmp_path: Path) -> None:
    given, path = saved(SMALL, tmp_path)
    with torch.no_grad():
        for layer in (m for m in given.modules() if isinstance(m, LinearExperts)):
            one = torch.randn(len(layer.weight), layer.weight.shape[1] // len(EXPERTS) - 1)
            layer.weight.copy_(torch.cat([one.repeat(1, len(EXPERTS)), torch.zeros(len(one), len(EXPERTS))], dim=1))
        given.head.angle_sd[0].weight[:, -len(EXPERTS):] = 0
    net = given.state_dict()
    for name, module in given.named_modules():
        if isinstance(module, LinearExperts):
            net[f"{name}.weight"] = module.weight[:, : module.weight.shape[1] // len(EXPERTS) - 1].detach()
    net["head.angle_sd.0.weight"] = net["head.angle_sd.0.weight"][:, : -len(EXPERTS)]
    without = {key: value for key, value in net.items() if not key.startswith("gate.")}
    save_atomic({"config": SMALL.to_json(), "net": without}, path)

    started = StructureNet(SMALL).eval()
    assert warm_start(started, path) == []
    views = torch.randn(1, 8, 256, 128), torch.rand(1, 4, 256, 128)
    with torch.no_grad():
        want, got = given(*views), started(*views)
    assert (want.gate - got.gate).abs().max() > 1e-4
    torch.testing.assert_close(got.endplates_mm, want.endplates_mm)
    torch.testing.assert_close(got.angle_sd_deg, want.angle_sd_deg)
