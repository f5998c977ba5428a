"""The gate and its linear experts."""

from __future__ import annotations

import torch

from export.model.config import EXPERTS
from export.model.experts import Gate, LinearExperts


def test_an_expert_alone_answers_with_its_own_columns_and_offset() -> None:
    torch.manual_seed(0)
    layer, features = LinearExperts(5, 2), torch.randn(4, 5)
    for index in range(len(EXPERTS)):
        share = torch.eye(len(EXPERTS))[index].expand(4, -1)
        weight, offset = layer.weight[:, 5 * index : 5 * index + 5], layer.weight[:, 5 * len(EXPERTS) + index]
        torch.testing.assert_close(layer(features, share), features @ weight.T + offset + layer.bias)


def test_shares_weigh_the_experts_answers() -> None:
    torch.manual_seed(1)
    layer, features = LinearExperts(5, 2), torch.randn(1, 5)
    alone = torch.stack([layer(features, share[None])[0] for share in torch.eye(len(EXPERTS))])
    share = torch.tensor([[0.2, 0.5, 0.3]])
    torch.testing.assert_close(layer(features, share), share @ alone)


def test_the_gate_sees_where_in_the_image_something_is() -> None:
    torch.manual_seed(2)
    gate, image = Gate(12).eval(), torch.zeros(1, 12, 32, 16)
    image[:, :, :4, :4] = 3.0
    with torch.no_grad():
        assert (gate(image) - gate(image.flip(2))).abs().max() > 1e-3
