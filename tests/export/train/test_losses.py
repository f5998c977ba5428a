"""Losses are zero at the truth and blind to what is unknown."""

from __future__ import annotations

import pytest
import torch

from edge.anatomy import ENDPLATE_POINTS
from export.model.config import UNKNOWN_EXPERT, ModelConfig
from export.model.sdn import lateral_normalised
from export.model.structure import StructureNet
from export.train.dataset import validation_batches
from export.train.losses import (
    StructureWeights,
    flow_landmarks,
    gate_term,
    gaussian_nll,
    geometry_terms,
    half_resolution,
    masked_huber,
    structure_loss,
)
from export.train.template import fit_prior


def test_unknown_truth_takes_no_part_in_value_or_gradient() -> None:
    got = torch.ones(4, requires_grad=True)
    loss = masked_huber(got, torch.tensor([1.0, float("nan"), 3.0, float("nan")]), 1.0)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.75)
    assert got.grad.tolist() == [0.0, 0.0, -0.5, 0.0]


def test_true_landmarks_cost_nothing_and_others_do(made) -> None:
    truth, other = (torch.from_numpy(made(b).endplates_mm)[None] for b in (20.0, 25.0))
    assert all(float(v) < 1e-4 for v in geometry_terms(truth, truth).values())
    terms = geometry_terms(other, truth)
    assert terms["angle"] > 2
    assert terms["landmark"] > 1


def test_a_curve_that_is_seen_too_flat_costs_something(made) -> None:
    straight = torch.from_numpy(made(20.0).endplates_mm)[None]
    rise_mm = torch.linspace(-5.0, 5.0, straight.shape[1])  # over a half width of 20 mm: some 28 degrees of Cobb
    curved = {share: straight.clone() for share in (1.0, 0.5)}
    for share, endplates in curved.items():
        endplates[:, :, ENDPLATE_POINTS.index("right"), 1] += share * rise_mm
        endplates[:, :, ENDPLATE_POINTS.index("left"), 1] -= share * rise_mm
    assert geometry_terms(curved[0.5], curved[1.0])["cobb"] > 10


def test_longer_endplates_with_the_same_angles_cost_something(made) -> None:
    truth = torch.from_numpy(made(20.0).endplates_mm)[None]
    centre = truth.mean(dim=2, keepdim=True)
    terms = geometry_terms(centre + 1.7 * (truth - centre), truth)
    assert terms["angle"] < 1e-3
    assert terms["length"] > 5


def test_the_likelihood_is_best_at_the_true_spread() -> None:
    error = 4.0 * torch.randn(4000, generator=torch.Generator().manual_seed(1))
    at = {sd: float(gaussian_nll(error, torch.full_like(error, sd))) for sd in (2.0, 4.0, 8.0)}
    assert at[4.0] < at[2.0]
    assert at[4.0] < at[8.0]


def test_a_flow_that_leads_truth_to_the_template_costs_nothing(made) -> None:
    truth = torch.from_numpy(made(20.0).endplates_mm)[None]
    own = lateral_normalised(truth.reshape(-1, 3))
    flow = torch.zeros(1, 2, 64, 32)
    assert float(flow_landmarks(flow, truth, own)) < 1e-4
    assert float(flow_landmarks(flow + 0.1, truth, own)) > 5


def test_the_gate_is_taught_by_the_backs_whose_kind_is_known() -> None:
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    right, wrong = torch.tensor([0, 1]), torch.tensor([0, 2])
    assert float(gate_term(logits, right)) < 0.1 < float(gate_term(logits, wrong))
    assert float(gate_term(logits, torch.tensor([0, UNKNOWN_EXPERT]))) == pytest.approx(float(gate_term(logits, right)))
    assert float(gate_term(logits, torch.tensor([UNKNOWN_EXPERT] * 2))) == 0


def test_half_resolution_ignores_what_the_film_does_not_show() -> None:
    film = torch.full((1, 1, 512, 256), 2.0)
    film[:, :, :100] = float("nan")
    mean, known = half_resolution(film)
    assert known[:, :, :50].max() == 0
    assert known[:, :, 50:].min() == 1
    assert mean[:, :, 60:].mean() == pytest.approx(2.0)


def test_the_whole_loss_is_finite_and_reaches_every_part_of_the_network(source, config: ModelConfig) -> None:
    net = StructureNet(config)
    fit_prior(source, config.landmark_modes).into(net)
    for layer in (net.head.coefficients, net.head.free, net.deform.velocity):  # they start at zero on purpose
        torch.nn.init.normal_(layer.weight, std=0.01)
    batch = next(validation_batches(source, 6))
    got = net(batch["back_view"], batch["lateral_lift"])
    total, terms = structure_loss(
        got, batch, torch.randn(6, 9), net.deform.template_points, StructureWeights()
    )
    total.backward()
    assert torch.isfinite(total)
    assert set(terms) >= {"landmark", "angle", "image", "flow_landmark", "angle_sd"}
    for name in ("back_stem.0.weight", "profile.direct.weight", "head.free.weight", "deform.velocity.weight",
                 "gate.tell.weight"):
        gradient = dict(net.named_parameters())[name].grad
        assert gradient is not None, name
        assert gradient.abs().sum() > 0, name
