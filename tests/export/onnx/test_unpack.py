"""A bundle's file gives back the weights that it was exported from, ready to be trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from edge.errors import BundleError
from export.cli import main
from export.model.radiograph import RadiographNet
from export.model.structure import StructureNet
from export.onnx import bundle as bundle_writer
from export.onnx import intervals
from export.onnx.bundle import BundleFacts, write_bundle
from export.onnx.graph import export_graph, stage_graphs
from export.onnx.networks import load_networks
from export.onnx.unpack import measure_statistics, unpack
from export.onnx.unpacked_run import write_run
from export.train.template import Prior, fit_prior


def trained(net: nn.Module) -> nn.Module:
    """Every weight and statistic as if it had been trained: none zero, no two alike."""
    with torch.no_grad():
        for value in net.parameters():
            value.add_(0.05 * torch.randn_like(value))
        for module in net.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.running_mean.normal_(0.0, 0.2)
                module.running_var.uniform_(0.5, 2.0)
    return net.eval()


@pytest.fixture
def networks(source, config) -> tuple[StructureNet, RadiographNet]:
    structure, radiograph = StructureNet(config), RadiographNet(config)
    fit_prior(source, config.landmark_modes).into(structure)
    return trained(structure), trained(radiograph)  # type: ignore[return-value]


def views(count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(count, 8, 256, 128), torch.randn(count, 4, 256, 128)


def test_an_unpacked_stage_computes_the_same_and_goes_on_doing_so_in_training(networks, config, tmp_path) -> None:
    structure, radiograph = networks
    graph = stage_graphs(structure, radiograph)[0]
    export_graph(graph, tmp_path / "structure.onnx", "matmul")

    other = StructureNet(config)
    folded = unpack(stage_graphs(other, RadiographNet(config))[0], other, tmp_path / "structure.onnx")
    seen = views()
    with torch.no_grad():
        want = structure(*seen)
        torch.testing.assert_close(other.eval()(*seen).endplates_mm, want.endplates_mm, rtol=1e-4, atol=1e-3)

        enter, norm = other.back_stem[0], other.back_stem[1]
        x = enter(seen[0])
        assert (norm.train()(x) - norm.eval()(x)).abs().max() > 0.1  # training would begin elsewhere
        assert "back_stem.1" in folded  # right after a convolution: folded into it
        assert "blocks.0.first.norm" not in folded  # after a sum: kept in the file
        measure_statistics(other, folded, [seen])
        torch.testing.assert_close(other(*seen).endplates_mm, want.endplates_mm, rtol=1e-4, atol=1e-3)
        # Statistics of the batch are now those that the layer holds, so a first step of training finds the same values.
        torch.testing.assert_close(norm.train()(x), norm.eval()(x), rtol=1e-2, atol=1e-2)


def test_a_file_of_another_architecture_is_refused_by_name(networks, config, tmp_path) -> None:
    graph = stage_graphs(*networks)[0]
    export_graph(graph, tmp_path / "structure.onnx", "matmul")
    wider = replace(config, profile_width=16)
    other = StructureNet(wider)
    with pytest.raises(BundleError, match=r"structure\.onnx: profile"):
        unpack(stage_graphs(other, RadiographNet(wider))[0], other, tmp_path / "structure.onnx")


def test_a_bundle_becomes_a_run_that_can_be_exported_again(
    networks, source, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bundle_writer, "conformal_scales", lambda seen: intervals.conformal_scales(seen, 0.5))
    facts = BundleFacts("made", "0.0.1", "made spines", {"structure": {"trained_on": "bends"}}, 6, "seeds of films")
    write_bundle(tmp_path / "bundle", *networks, source, facts, "matmul")

    off = write_run(tmp_path / "bundle", source, 6, tmp_path / "run")

    assert off < 1e-3
    structure, radiograph = load_networks(tmp_path / "run")
    seen = views(1)
    with torch.no_grad():
        want, got = networks[0](*seen), structure(*seen)
    torch.testing.assert_close(got.endplates_mm, want.endplates_mm, rtol=1e-4, atol=1e-3)
    assert radiograph.config == networks[1].config
    torch.testing.assert_close(
        torch.from_numpy(Prior.load(tmp_path / "run" / "prior.npz").template), networks[0].template[0]
    )
    record = json.loads((tmp_path / "run" / "structure_training.json").read_text())
    assert record == {"trained_on": "bends"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle", "run"]


def test_a_run_that_exists_is_left_alone(tmp_path: Path, capsys) -> None:
    assert main(["unpack", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "the run folder exists" in capsys.readouterr().err
