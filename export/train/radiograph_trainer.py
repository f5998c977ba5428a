"""Stage 2's step, validation and sample pictures: generator against multi-scale PatchGAN.

Stage 1 is frozen here and gives the generator's inputs. Half of the time the generator is handed the true endplates,
and the template carried on to them, for then what it draws from and the film it is held against agree; the other
half it gets stage 1's own, which is what it will meet on the device. Pixel by pixel it answers only for the
vertebral bodies. Bowel gas, arms and lung markings cannot be known from a back: outside the bodies it answers for the
local brightness, for likeness, and for the template's own detail as far as that is to be kept (``kept_detail``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from export.evaluate.film_agreement import RANGE, WINDOW_SIGMA_PX
from export.model.config import ModelConfig
from export.model.landmark_map import LandmarkMap
from export.model.radiograph import RadiographNet
from export.model.sdn import lateral_normalised
from export.model.structure import Structure
from export.train.adversarial import CRITIC_FROM, AdversarialTrainer
from export.train.dataset import validation_batches
from export.train.discriminator import critic_loss, feature_matching, generator_loss
from export.train.layout import laid_out
from export.train.loop import Schedule, load_checkpoint
from export.train.pictures import radiograph_picture
from export.train.sample import SampleSource
from export.train.shard_stream import ShardStream
from export.train.structure_trainer import load_structure


@dataclass(frozen=True)
class RadiographWeights:
    """Weights of stage 2's terms (``film_terms``), of the critic's, and how the critic takes part."""

    coarse: float = 10.0
    bodies: float = 15.0
    edges: float = 45.0
    stray: float = 18.0
    structure: float = 20.0
    adversarial: float = 0.2
    matching: float = 2.0
    true_endplates: float = 0.5
    critic_from: float = CRITIC_FROM


COARSE_PX: Final = 8
"""Side of the blocks (12 mm) whose mean brightness is asked for everywhere: about what a back tells."""
DETAIL_NEAR: Final = 0.75
"""Contrast of the template's detail that is kept round the spine: pedicles, facets, ribs' necks and the sacrum lie
there, and go where the vertebrae go."""
DETAIL_FAR: Final = 0.25
"""The same elsewhere: gas, arms and lung markings are another person's."""
NEAR_PX: Final = 24
"""Reach of "round the spine" beyond the bodies, 36 mm: a spinous process ends 50 mm behind the middle of its body."""


def image_gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    """Differences down and across, (B, C, H-1, W) and (B, C, H, W-1)."""
    return image[:, :, 1:] - image[:, :, :-1], image[..., 1:] - image[..., :-1]


def film_terms(got: Tensor, want: Tensor, template: Tensor, bodies: Tensor) -> dict[str, Tensor]:
    """What a synthetic film answers for, all (B, 1, H, W); NaN in ``want`` = unknown.

    coarse: L1 of block means. bodies, edges: L1 of values and of gradients on the vertebral bodies (``bodies`` 0..1).
    stray: detail that the generator adds to or takes from the template, softened (``kept_detail``), outside the bodies.
    structure: one less the structural similarity: without it the finest grain of the template, which is another
    person's, is worth nothing and costs it (0.773 on own endplates, and 0.793 with a blur of 4 mm).
    """
    known = torch.isfinite(want).float()
    safe = torch.where(known > 0, want, got.detach())
    blocks = functional.avg_pool2d((got - safe) * known, COARSE_PX)
    share = functional.avg_pool2d(known, COARSE_PX)
    inside, outside = known * bodies, 1 - bodies
    edges = _gradient_l1(got - safe, inside)
    return {
        "coarse": blocks.abs().sum() / share.sum().clamp(min=1),
        "bodies": ((got - safe).abs() * inside).sum() / inside.sum().clamp(min=1),
        "edges": edges,
        "stray": _gradient_l1(got - kept_detail(bodies) * template, outside),
        "structure": structural_dissimilarity(got.float(), safe, known),
    }


def kept_detail(bodies: Tensor) -> Tensor:
    """Contrast asked of the template's detail by place, like ``bodies`` (B, 1, H, W, 0..1).

    ``DETAIL_NEAR`` round the bodies, ``DETAIL_FAR`` elsewhere.
    """
    blocks = functional.max_pool2d(bodies, COARSE_PX)
    wide = 2 * (NEAR_PX // COARSE_PX) + 1
    grown = functional.max_pool2d(blocks, wide, stride=1, padding=wide // 2)
    soft = functional.avg_pool2d(grown, 3, stride=1, padding=1, count_include_pad=False)
    near = functional.interpolate(soft, size=bodies.shape[-2:], mode="bilinear", align_corners=False)
    return DETAIL_FAR + (DETAIL_NEAR - DETAIL_FAR) * near


def structural_dissimilarity(got: Tensor, want: Tensor, known: Tensor) -> Tensor:
    """One less the SSIM of log attenuations (B, 1, H, W), mean where ``known`` is 1; as ``film_agreement`` measures it.

    Wang et al., IEEE TIP 2004: Gaussian windows.
    """
    reach = torch.arange(-5, 6, device=got.device, dtype=got.dtype)
    window = torch.exp(-0.5 * (reach / WINDOW_SIGMA_PX) ** 2)
    window = window / window.sum()

    def blur(image: Tensor) -> Tensor:
        padded = functional.pad(image, (5, 5, 5, 5), mode="reflect")
        return functional.conv2d(functional.conv2d(padded, window[None, None, None]), window[None, None, :, None])

    mean_got, mean_want = blur(got), blur(want)
    var_got, var_want = blur(got * got) - mean_got**2, blur(want * want) - mean_want**2
    shared = blur(got * want) - mean_got * mean_want
    c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
    similar = (2 * mean_got * mean_want + c1) / (mean_got**2 + mean_want**2 + c1)
    similar = similar * (2 * shared + c2) / (var_got + var_want + c2)
    return ((1 - similar) * known).sum() / known.sum().clamp(min=1)


def _gradient_l1(image: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of the absolute differences of neighbouring pixels."""
    down, across = (g.abs() for g in image_gradients(image))
    total = (down * weight[:, :, 1:]).sum() + (across * weight[..., 1:]).sum()
    return total / (2 * weight.sum().clamp(min=1))


class RadiographTrainer(AdversarialTrainer[RadiographNet]):
    """Trains ``RadiographNet`` behind a frozen stage 1 (see ``export.train.loop.Trainer``).

    structure_weights: ``structure.pt`` of a run. It is read again whenever it changed at a checkpoint, so that both
    stages can be trained side by side.
    """

    stage = "radiograph"

    def __init__(
        self, config: ModelConfig, structure_weights: Path, training: SampleSource | ShardStream,
        validation: SampleSource, schedule: Schedule, weights: RadiographWeights | None = None, device: str = "cpu",
        rank: int = 0, world: int = 1,
    ) -> None:
        torch.manual_seed(schedule.seed)
        super().__init__(RadiographNet(config), config, 2, (0.8, 0.98), 5.0, training, validation, schedule, device,
                         rank, world)
        self.loss_weights = weights or RadiographWeights()
        self.structure_weights = structure_weights
        self.draw = LandmarkMap().to(device)
        self._follow_structure()

    def step(self, batch: dict[str, Tensor], rate: float, progress: float) -> dict[str, float]:
        """See ``Trainer``."""
        self.net.train()
        self.set_rate(rate)
        batch = {name: value.to(self.device) for name, value in batch.items()}
        want = batch["log_attenuation"]
        seen = self.structure_of(batch)
        endplates = self._mixed_endplates(seen.endplates_mm, batch["endplates_mm"])
        with torch.no_grad():
            drawn = self.draw(endplates)
            seen = self._carried(seen, endplates)
        with self.autocast():
            got = self.generate(self.net, batch, seen, endplates, drawn)
        bodies = functional.interpolate(drawn[:, :1], scale_factor=2.0, mode="bilinear")
        weights = self.loss_weights
        terms = film_terms(got, want, seen.warped_template[:, :1], bodies)
        total = sum((getattr(weights, name) * value for name, value in terms.items()), got.new_zeros(()))
        shown = {name: float(value.detach()) for name, value in terms.items()}
        if progress >= weights.critic_from:
            extra, against = self._against_critic(got, want, bodies)
            total = total + extra
            shown |= against
        self.update_net(total)
        return {"loss": float(total.detach()), **shown}

    def _against_critic(self, got: Tensor, want: Tensor, bodies: Tensor) -> tuple[Tensor, dict[str, float]]:
        real_image = torch.where(torch.isfinite(want), want, got.detach())
        with self.autocast():
            real = self.critic(torch.cat([real_image, bodies], 1))
            fake = self.critic(torch.cat([got.detach(), bodies], 1))
        loss = critic_loss(real, fake)
        self.update_critic(loss)
        with self.critic_frozen(), self.autocast():
            fake = self.critic(torch.cat([got, bodies], 1))
        adversarial, matching = generator_loss(fake), feature_matching(real, fake)
        total = self.loss_weights.adversarial * adversarial + self.loss_weights.matching * matching
        return total, {"critic": float(loss.detach()), "adversarial": float(adversarial.detach()),
                       "matching": float(matching.detach())}

    def _mixed_endplates(self, own: Tensor, truth: Tensor) -> Tensor:
        complete = torch.isfinite(truth).flatten(1).all(1)
        chosen = torch.rand(len(own), device=own.device) < self.loss_weights.true_endplates
        use = (chosen & complete)[:, None, None, None]
        return torch.where(use, torch.nan_to_num(truth), own)

    def _carried(self, seen: Structure, endplates_mm: Tensor) -> Structure:
        """``seen`` with the template carried on to other endplates."""
        net = self.structure
        if not net.config.use_sdn:
            return seen
        points = lateral_normalised(endplates_mm).reshape(len(endplates_mm), -1, 2)
        warped, flow = net.deform(seen.back_features, points, net.template)
        return seen._replace(warped_template=warped, flow=flow)

    @torch.no_grad()
    def structure_of(self, batch: dict[str, Tensor]) -> Structure:
        """Frozen stage 1 on a batch."""
        inputs = (batch[n].to(memory_format=torch.channels_last) for n in ("back_view", "lateral_lift"))
        with self.autocast():
            return self.structure(*inputs)

    @staticmethod
    def generate(
        net: RadiographNet, batch: dict[str, Tensor], seen: Structure, endplates_mm: Tensor,
        drawn: Tensor | None = None,
    ) -> Tensor:
        """Stage 2 on stage 1's outputs with the given endplates."""
        layout = torch.channels_last
        return net(
            seen.warped_template.to(memory_format=layout), batch["lateral_lift"].to(memory_format=layout),
            seen.back_features, seen.landmark_tokens, endplates_mm, drawn,
        )

    @torch.no_grad()
    def validate(self, folder: Path, step: int) -> dict[str, float]:
        """Mean absolute error of log-attenuation with true and with own endplates, inside and outside the bodies."""
        sums: dict[str, list[float]] = {}
        for number, raw in enumerate(validation_batches(self.validation, self.schedule.batch)):
            batch = {name: value.to(self.device) for name, value in raw.items()}
            seen, want = self.structure_of(batch), batch["log_attenuation"]
            bodies = functional.interpolate(self.draw(batch["endplates_mm"])[:, :1], scale_factor=2.0) > 0.5
            for name, endplates in (("true", batch["endplates_mm"]), ("own", seen.endplates_mm)):
                got = self.generate(self.average.net, batch, self._carried(seen, endplates), endplates)
                error = (got - want).abs()
                sums.setdefault(f"l1_{name}", []).append(float(error.nanmean()))
                sums.setdefault(f"l1_bodies_{name}", []).append(float(error[bodies].nanmean()))
                if number == 0:
                    picture = folder / "samples" / f"radiograph_{step:06d}_{name}.png"
                    radiograph_picture(picture, want, got, endplates)
        return {name: sum(values) / len(values) for name, values in sums.items()}

    def state(self) -> dict[str, Any]:
        """See ``Trainer``. Being asked for it is the moment to look for newer weights of stage 1."""
        self._follow_structure()
        return super().state()

    def _follow_structure(self) -> None:
        weights = load_checkpoint(self.structure_weights)
        self.structure = laid_out(load_structure(weights), self.device)
        for parameter in self.structure.parameters():
            parameter.requires_grad_(False)


def load_radiograph(weights: dict[str, Any]) -> RadiographNet:
    """Stage 2 from what ``RadiographTrainer.weights`` saved, in evaluation mode."""
    net = RadiographNet(ModelConfig.from_json(weights["config"]))
    net.load_state_dict(weights["net"])
    return net.eval()
