"""Trains the plain U-Net that the two stages are held against: L1 and a patch critic, on the same films.

Pix2pix's own terms (Isola et al. 2017: L1 with weight 100 against 1 of a critic that sees the back view too); batches,
averaging, schedule and the late critic are those of stage 2, so that budgets can be compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from export.model.config import BACK_CHANNEL_COUNT
from export.model.landmark_map import LandmarkMap
from export.model.unet import PlainUNet, UNetConfig
from export.train.adversarial import CRITIC_FROM, AdversarialTrainer
from export.train.dataset import validation_batches
from export.train.discriminator import critic_loss, generator_loss
from export.train.loop import Schedule
from export.train.pictures import radiograph_picture
from export.train.sample import SampleSource
from export.train.shard_stream import ShardStream

L1_WEIGHT: Final = 100.0


class Pix2PixTrainer(AdversarialTrainer[PlainUNet]):
    """Trains ``PlainUNet`` (see ``export.train.loop.Trainer``)."""

    stage = "pix2pix"

    def __init__(
        self, training: SampleSource | ShardStream, validation: SampleSource, schedule: Schedule,
        config: UNetConfig | None = None, device: str = "cpu", rank: int = 0, world: int = 1,
    ) -> None:
        torch.manual_seed(schedule.seed)
        chosen = config or UNetConfig()
        super().__init__(PlainUNet(chosen), chosen, 1 + BACK_CHANNEL_COUNT, (0.5, 0.98), 50.0, training, validation,
                         schedule, device, rank, world)

    def step(self, batch: dict[str, Tensor], rate: float, progress: float) -> dict[str, float]:
        """See ``Trainer``."""
        self.net.train()
        self.set_rate(rate)
        view, want = batch["back_view"].to(self.device), batch["log_attenuation"].to(self.device)
        with self.autocast():
            got = self.net(view.to(memory_format=torch.channels_last))
        known = torch.isfinite(want)
        target = torch.where(known, want, got.detach())
        off = (got - target).abs().sum() / known.sum().clamp(min=1)
        total, shown = L1_WEIGHT * off, {"l1": float(off.detach())}
        if progress >= CRITIC_FROM:
            extra, against = self._against_critic(view, got, target)
            total, shown = total + extra, shown | against
        self.update_net(total)
        return {"loss": float(total.detach()), **shown}

    def _against_critic(self, view: Tensor, got: Tensor, real: Tensor) -> tuple[Tensor, dict[str, float]]:
        seen = functional.interpolate(view, scale_factor=2.0)

        def judged(film: Tensor) -> list[list[Tensor]]:
            with self.autocast():
                judgement: list[list[Tensor]] = self.critic(torch.cat([film, seen], 1))
            return judgement

        loss = critic_loss(judged(real), judged(got.detach()))
        self.update_critic(loss)
        with self.critic_frozen():
            adversarial = generator_loss(judged(got))
        return adversarial, {"critic": float(loss.detach()), "adversarial": float(adversarial.detach())}

    @torch.no_grad()
    def validate(self, folder: Path, step: int) -> dict[str, float]:
        """Mean absolute error of log-attenuation, over the film and within the vertebral bodies, and a picture."""
        draw = LandmarkMap()
        sums: dict[str, list[float]] = {}
        for number, batch in enumerate(validation_batches(self.validation, self.schedule.batch)):
            got = self.average.net(batch["back_view"].to(self.device)).cpu()
            bodies = functional.interpolate(draw(batch["endplates_mm"])[:, :1], scale_factor=2.0) > 0.5
            error = (got - batch["log_attenuation"]).abs()
            sums.setdefault("l1_own", []).append(float(error.nanmean()))
            sums.setdefault("l1_bodies_own", []).append(float(error[bodies].nanmean()))
            if number == 0:
                picture = folder / "samples" / f"pix2pix_{step:06d}.png"
                radiograph_picture(picture, batch["log_attenuation"], got, batch["endplates_mm"])
        return {name: sum(values) / len(values) for name, values in sums.items()}


def load_pix2pix(weights: dict[str, Any]) -> PlainUNet:
    """The U-Net from what ``Pix2PixTrainer.weights`` saved, in evaluation mode."""
    net = PlainUNet(UNetConfig.from_json(weights["config"]))
    net.load_state_dict(weights["net"])
    return net.eval()
