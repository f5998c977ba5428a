"""Trains the plain U-Net that the two stages are held against: L1 and a patch critic, on the same films.

Pix2pix's own terms (Isola et al. 2017: L1 with weight 100 against 1 of a critic that sees the back view too); batches,
averaging, schedule and the late critic are those of stage 2, so that budgets can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from export.model.config import BACK_CHANNEL_COUNT
from export.model.landmark_map import LandmarkMap
from export.model.unet import PlainUNet, UNetConfig
from export.train.dataset import training_batches, validation_batches
from export.train.discriminator import MultiScaleCritic, critic_loss, generator_loss
from export.train.ema import Average
from export.train.layout import laid_out
from export.train.loop import Schedule, average_gradients
from export.train.pictures import radiograph_picture
from export.train.sample import SampleSource
from export.train.shard_stream import ShardStream
from export.train.sources import WithRadiograph

L1_WEIGHT: Final = 100.0
CRITIC_FROM: Final = 0.6
"""Share of the training before the critic joins, as for stage 2."""
CRITIC_RATE: Final = 0.4


class Pix2PixTrainer:
    """Trains ``PlainUNet`` (see ``export.train.loop.Trainer``)."""

    stage = "pix2pix"

    def __init__(
        self, training: SampleSource | ShardStream, validation: SampleSource, schedule: Schedule,
        config: UNetConfig | None = None, device: str = "cpu", rank: int = 0, world: int = 1,
    ) -> None:
        torch.manual_seed(schedule.seed)
        self.schedule, self.device, self.rank, self.world = schedule, device, rank, world
        self.training: SampleSource | ShardStream = (
            training.with_radiographs() if isinstance(training, ShardStream) else WithRadiograph(training)
        )
        self.validation = WithRadiograph(validation)
        self.config = config or UNetConfig()
        self.net = laid_out(PlainUNet(self.config), device)
        self.average = Average(self.net)
        self.critic = laid_out(MultiScaleCritic(1 + BACK_CHANNEL_COUNT), device)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), schedule.learning_rate, (0.5, 0.98))
        self.critic_optimiser = torch.optim.AdamW(self.critic.parameters(), schedule.learning_rate, (0.5, 0.98))

    def batches(self, first_step: int) -> Iterator[dict[str, Tensor]]:
        """See ``Trainer``."""
        s = self.schedule
        return training_batches(self.training, s.batch, s.seed, self.rank, first_step, s.workers, world=self.world)

    def step(self, batch: dict[str, Tensor], rate: float, progress: float) -> dict[str, float]:
        """See ``Trainer``."""
        self.net.train()
        for optimiser, share in ((self.optimiser, 1.0), (self.critic_optimiser, CRITIC_RATE)):
            for group in optimiser.param_groups:
                group["lr"] = rate * share
        view, want = batch["back_view"].to(self.device), batch["log_attenuation"].to(self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.schedule.mixed_precision):
            got = self.net(view.to(memory_format=torch.channels_last))
        known = torch.isfinite(want)
        target = torch.where(known, want, got.detach())
        off = (got - target).abs().sum() / known.sum().clamp(min=1)
        total, shown = L1_WEIGHT * off, {"l1": float(off.detach())}
        if progress >= CRITIC_FROM:
            extra, against = self._against_critic(view, got, target)
            total, shown = total + extra, shown | against
        self._update(self.optimiser, total, list(self.net.parameters()))
        self.average.update(self.net)
        return {"loss": float(total.detach()), **shown}

    def _against_critic(self, view: Tensor, got: Tensor, real: Tensor) -> tuple[Tensor, dict[str, float]]:
        seen = functional.interpolate(view, scale_factor=2.0)

        def judged(film: Tensor) -> list[list[Tensor]]:
            with torch.autocast(self.device, torch.bfloat16, enabled=self.schedule.mixed_precision):
                judgement: list[list[Tensor]] = self.critic(torch.cat([film, seen], 1))
            return judgement

        loss = critic_loss(judged(real), judged(got.detach()))
        self._update(self.critic_optimiser, loss, list(self.critic.parameters()))
        for parameter in self.critic.parameters():
            parameter.requires_grad_(False)
        adversarial = generator_loss(judged(got))
        for parameter in self.critic.parameters():
            parameter.requires_grad_(True)
        return adversarial, {"critic": float(loss.detach()), "adversarial": float(adversarial.detach())}

    def _update(self, optimiser: torch.optim.Optimizer, loss: Tensor, parameters: list[torch.nn.Parameter]) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(parameters, self.world)
        torch.nn.utils.clip_grad_norm_(parameters, 50.0)
        optimiser.step()

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

    def state(self) -> dict[str, Any]:
        """See ``Trainer``."""
        return {
            "net": self.net.state_dict(), "average": self.average.net.state_dict(), "updates": self.average.updates,
            "critic": self.critic.state_dict(), "optimiser": self.optimiser.state_dict(),
            "critic_optimiser": self.critic_optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """See ``Trainer``."""
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.average.updates = state["updates"]
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.critic_optimiser.load_state_dict(state["critic_optimiser"])

    def weights(self) -> dict[str, Any]:
        """See ``Trainer``."""
        return {"config": self.config.to_json(), "net": self.average.net.state_dict()}


def load_pix2pix(weights: dict[str, Any]) -> PlainUNet:
    """The U-Net from what ``Pix2PixTrainer.weights`` saved, in evaluation mode."""
    net = PlainUNet(UNetConfig.from_json(weights["config"]))
    net.load_state_dict(weights["net"])
    return net.eval()
