"""Attention between image features and 3-D landmark tokens, and the attention-FFC residual block built on it.

The paper names an attention-based FFC module that fuses image features and 3-D landmarks but does not publish it;
this form is ours: tokens read the image, the image reads the tokens, and a squeeze gate made of both (after the
FFCSE block of Chi et al. 2020) weighs the local and global channels of the Fourier convolution.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.model.config import ModelConfig
from export.model.ffc import FFC


def sinusoid(position: Tensor, width: int, longest: float) -> Tensor:
    """(...,) positions -> (..., width) sines and cosines with periods from ``4`` to ``longest`` of its unit."""
    count = width // 2
    periods = torch.exp(torch.linspace(math.log(4.0), math.log(longest), count, device=position.device))
    angle = position.unsqueeze(-1) * (2 * math.pi / periods)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def image_positions(rows: int, cols: int, width: int) -> Tensor:
    """(rows * cols, width): three quarters of the channels code the row, the rest the column."""
    row_width = (width * 3 // 4) // 2 * 2
    row = sinusoid(torch.arange(rows).float(), row_width, 2.0 * rows)
    col = sinusoid(torch.arange(cols).float(), width - row_width, 2.0 * cols)
    grid = torch.cat([row[:, None].expand(rows, cols, -1), col[None].expand(rows, cols, -1)], dim=-1)
    return grid.reshape(rows * cols, width)


def token_positions(row: Tensor, width: int, rows: int) -> Tensor:
    """(B, T) continuous coarse rows -> (B, T, width) in the code of ``image_positions``, columns left open."""
    row_width = (width * 3 // 4) // 2 * 2
    return functional.pad(sinusoid(row, row_width, 2.0 * rows), (0, width - row_width))


class CrossAttention(nn.Module):
    """Multi-head attention of one set of vectors to another, pre-normalised, with a residual.

    Heads are not cut out of the vectors. The smaller set, which are the 19 landmark tokens, is repeated once per head
    with the other heads' channels at zero, so two plain matrix products do what batches of small ones do, and the
    larger set, the image's pixels, is never rearranged. It is the same attention: zeros add nothing to a product.
    """

    head_channels: Tensor

    def __init__(self, query_width: int, key_width: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.query_norm = nn.LayerNorm(query_width)
        self.key_norm = nn.LayerNorm(key_width)
        self.query = nn.Linear(query_width, width)
        self.key_value = nn.Linear(key_width, 2 * width)
        self.leave = nn.Linear(width, query_width)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        own = torch.arange(width).unsqueeze(0) // (width // heads) == torch.arange(heads).unsqueeze(1)
        self.register_buffer("head_channels", own.float().unsqueeze(1), persistent=False)

    def forward(self, queries: Tensor, keys: Tensor, query_place: Tensor, key_place: Tensor) -> Tensor:
        """(B, N, query_width) and (B, M, key_width) -> (B, N, query_width); the places (.., width) are added inside."""
        q = self.query(self.query_norm(queries)) + query_place.to(queries.dtype)
        key, value = self.key_value(self.key_norm(keys)).chunk(2, dim=-1)
        key = key + key_place.to(key.dtype)
        scale = (self.width // self.heads) ** -0.5
        few_to_many = q.shape[1] < key.shape[1]
        return queries + (self._ask(q * scale, key, value) if few_to_many else self._be_told(q, key * scale, value))

    def _ask(self, q: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Few queries: one row per head and query."""
        b, n = q.shape[:2]
        weight = torch.softmax(torch.matmul(self._per_head(q), key.transpose(1, 2)), dim=-1)
        mixed = torch.matmul(weight.to(value.dtype), value).reshape(b, self.heads, n, self.width)
        return self.leave((mixed * self.head_channels.to(mixed.dtype)).sum(dim=1))

    def _be_told(self, q: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Few keys: one row per head and key. They are small enough to go through the last layer before the mixing."""
        b, n, m = q.shape[0], q.shape[1], key.shape[1]
        score = torch.matmul(q, self._per_head(key).transpose(1, 2)).reshape(b, n, self.heads, m)
        weight = torch.softmax(score, dim=-1).reshape(b, n, self.heads * m)
        # The weights of each head sum to one, so each row carries its share of the bias.
        told = functional.linear(self._per_head(value), self.leave.weight) + self.leave.bias / self.heads
        return torch.matmul(weight.to(told.dtype), told)

    def _per_head(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, heads * T, width), everything but the head's channels zero."""
        b, count = x.shape[:2]
        return (x.unsqueeze(1) * self.head_channels.to(x.dtype)).reshape(b, self.heads * count, self.width)


class AttentionFFCBlock(nn.Module):
    """Residual block over (image features, landmark tokens)."""

    places: Tensor

    def __init__(self, config: ModelConfig, rows: int, cols: int) -> None:
        super().__init__()
        width, token_width = config.width, config.token_width
        self.rows, self.cols = rows, cols
        self.first = FFC(width, rows, cols, config.global_ratio, config.use_ffc)
        self.second = FFC(width, rows, cols, config.global_ratio, config.use_ffc)
        self.use_attention = config.use_attention
        if self.use_attention:
            self.read_image = CrossAttention(token_width, width, token_width, config.heads)
            self.read_tokens = CrossAttention(width, token_width, token_width, config.heads)
            self.among_tokens = nn.Sequential(
                nn.LayerNorm(token_width), nn.Linear(token_width, 2 * token_width), nn.GELU(),
                nn.Linear(2 * token_width, token_width),
            )
            # Neighbouring vertebrae move together: a short convolution along the column of tokens.
            self.along_column = nn.Conv1d(token_width, token_width, 3, padding=1, groups=4)
            self.gate_image = nn.Linear(width, width // 4)
            self.gate_tokens = nn.Linear(token_width, width // 4)
            self.gate = nn.Linear(width // 4, width)
            self.register_buffer("places", image_positions(rows, cols, token_width), persistent=False)

    @torch.no_grad()
    def make_identity(self) -> None:
        """Let the block hand on what it is given (an image that was activated before), until it is trained."""
        nn.init.zeros_(self.second.norm.weight)
        nn.init.zeros_(self.second.norm.bias)
        if self.use_attention:
            last = self.among_tokens[-1]
            assert isinstance(last, nn.Linear)
            for layer in (self.along_column, last, self.read_image.leave, self.read_tokens.leave):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor, tokens: Tensor, token_place: Tensor) -> tuple[Tensor, Tensor]:
        """image (B, C, rows, cols), tokens (B, T, D), token_place (B, T, D) -> the same shapes."""
        x = self.second(functional.relu(self.first(image)))
        if not self.use_attention:
            return functional.relu(image + x), tokens
        b, c = x.shape[:2]
        flat = x.flatten(2).transpose(1, 2)
        tokens = self.read_image(tokens, flat, token_place, self.places)
        tokens = tokens + self.along_column(tokens.transpose(1, 2)).transpose(1, 2)
        tokens = tokens + self.among_tokens(tokens)
        flat = self.read_tokens(flat, tokens, self.places, token_place)
        squeeze = functional.relu(self.gate_image(flat.mean(dim=1)) + self.gate_tokens(tokens.mean(dim=1)))
        gate = 2 * torch.sigmoid(self.gate(squeeze))
        x = (flat * gate.unsqueeze(1)).transpose(1, 2).reshape(b, c, self.rows, self.cols)
        return functional.relu(image + x), tokens


