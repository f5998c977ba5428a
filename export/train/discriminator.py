"""The critic of stage 2: PatchGANs on two scales, conditioned on the landmark map. It never leaves training.

Isola et al. 2017 (PatchGAN) and Wang et al. 2018 (multi-scale, feature matching), with spectral normalisation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm


def _patch_critic(channels: int, width: int) -> nn.ModuleList:
    sizes = [(channels, width, 2), (width, 2 * width, 2), (2 * width, 4 * width, 2), (4 * width, 4 * width, 1)]
    layers = [spectral_norm(nn.Conv2d(a, b, 4, stride=s, padding=1)) for a, b, s in sizes]
    return nn.ModuleList([*layers, spectral_norm(nn.Conv2d(4 * width, 1, 3, padding=1))])


class MultiScaleCritic(nn.Module):
    """Images (B, C, H, W) -> per scale the list of its layers' features, the last one the patch scores."""

    def __init__(self, channels: int, width: int = 16, scales: int = 2) -> None:
        super().__init__()
        self.critics = nn.ModuleList(_patch_critic(channels, width) for _ in range(scales))

    def forward(self, image: Tensor) -> list[list[Tensor]]:
        """See class."""
        results = []
        for critic in self.critics:
            *inner, last = critic.children()
            x, features = image, []
            for layer in inner:
                x = functional.leaky_relu(layer(x), 0.2)
                features.append(x)
            results.append([*features, last(x)])
            image = functional.avg_pool2d(image, 2)
        return results


def critic_loss(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Hinge loss of the critic."""
    terms = [functional.relu(1 - r[-1]).mean() + functional.relu(1 + f[-1]).mean()
             for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def generator_loss(fake: list[list[Tensor]]) -> Tensor:
    """Hinge loss of the generator."""
    return torch.stack([-f[-1].mean() for f in fake]).mean()


def feature_matching(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Mean L1 distance of the critics' inner features."""
    terms = [(r.detach() - f).abs().mean() for rs, fs in zip(real, fake, strict=True)
             for r, f in zip(rs[:-1], fs[:-1], strict=True)]
    return torch.stack(terms).mean()
