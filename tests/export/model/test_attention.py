"""Cross attention without cutting heads out of vectors is multi-head attention as everybody writes it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from export.model.attention import CrossAttention

WIDTH, HEADS = 24, 4


def by_the_book(net: CrossAttention, queries, keys, query_place, key_place):
    """Heads cut out, one small product each."""
    q = net.query(net.query_norm(queries)) + query_place
    key, value = net.key_value(net.key_norm(keys)).chunk(2, dim=-1)

    def heads(x):
        return x.reshape(x.shape[0], x.shape[1], HEADS, WIDTH // HEADS).transpose(1, 2)

    mixed = functional.scaled_dot_product_attention(heads(q), heads(key + key_place), heads(value))
    return queries + net.leave(mixed.transpose(1, 2).reshape(*queries.shape[:2], WIDTH))


@pytest.mark.parametrize(("queries", "keys"), [(5, 40), (40, 5), (7, 7), (1, 9), (9, 1)])
def test_it_is_multi_head_attention(queries: int, keys: int) -> None:
    torch.manual_seed(queries)
    net = CrossAttention(12, 20, WIDTH, HEADS).double()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    given = (torch.randn(3, queries, 12), torch.randn(3, keys, 20), torch.randn(3, queries, WIDTH),
             torch.randn(3, keys, WIDTH))
    given = tuple(tensor.double() for tensor in given)
    torch.testing.assert_close(net(*given), by_the_book(net, *given), rtol=1e-9, atol=1e-9)


def test_a_new_one_hands_its_queries_on() -> None:
    net = CrossAttention(12, 20, WIDTH, HEADS)
    queries = torch.randn(2, 30, 12)
    assert torch.equal(net(queries, torch.randn(2, 6, 20), torch.zeros(WIDTH), torch.zeros(WIDTH)), queries)


def test_a_state_from_before_still_fits() -> None:
    assert "head_channels" not in CrossAttention(12, 20, WIDTH, HEADS).state_dict()
