"""What every generator that is trained against a patch critic shares: films, averages, updates, checkpoints.

The critic sees a film beside what belongs to it, joins late (until then a step costs half) and learns more slowly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic

import torch
from torch import Tensor, nn

from export.model.config import ModelConfig
from export.model.unet import UNetConfig
from export.train.dataset import training_batches
from export.train.discriminator import MultiScaleCritic
from export.train.ema import Average
from export.train.layout import Net, laid_out
from export.train.loop import Schedule, average_gradients
from export.train.sample import SampleSource
from export.train.shard_stream import ShardStream
from export.train.sources import WithRadiograph

CRITIC_FROM: Final = 0.6
"""Share of the training before the critic joins."""
CRITIC_RATE: Final = 0.4
"""The critic's learning rate as a share of the generator's."""
CRITIC_BETAS: Final = (0.5, 0.98)


class AdversarialTrainer(Generic[Net]):
    """The shared part of a ``export.train.loop.Trainer`` with a critic, on the samples that have a film.

    Args:
        net: the generator, made after ``torch.manual_seed``. critic_channels: of the film and what stands beside it.
        betas: of the generator's AdamW. clip_norm: largest norm of the gradients of one update.
    """

    def __init__(
        self, net: Net, config: ModelConfig | UNetConfig, critic_channels: int, betas: tuple[float, float],
        clip_norm: float, training: SampleSource | ShardStream, validation: SampleSource, schedule: Schedule,
        device: str, rank: int, world: int,
    ) -> None:
        self.config, self.clip_norm = config, clip_norm
        self.schedule, self.device, self.rank, self.world = schedule, device, rank, world
        self.training: SampleSource | ShardStream = (
            training.with_radiographs() if isinstance(training, ShardStream) else WithRadiograph(training)
        )
        self.validation = WithRadiograph(validation)
        self.net = laid_out(net, device)
        self.average = Average(self.net)
        self.critic = laid_out(MultiScaleCritic(critic_channels), device)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), schedule.learning_rate, betas)
        self.critic_optimiser = torch.optim.AdamW(self.critic.parameters(), schedule.learning_rate, CRITIC_BETAS)

    def batches(self, first_step: int) -> Iterator[dict[str, Tensor]]:
        """See ``Trainer``."""
        s = self.schedule
        return training_batches(self.training, s.batch, s.seed, self.rank, first_step, s.workers, world=self.world)

    def set_rate(self, rate: float) -> None:
        """Learning rate of the generator; the critic's follows."""
        for optimiser, share in ((self.optimiser, 1.0), (self.critic_optimiser, CRITIC_RATE)):
            for group in optimiser.param_groups:
                group["lr"] = rate * share

    def autocast(self) -> torch.autocast:
        """bfloat16 where the schedule asks for mixed precision."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.schedule.mixed_precision)

    def update_net(self, loss: Tensor) -> None:
        """One optimiser step of the generator, and of its average."""
        self._update(self.optimiser, loss, self.net)
        self.average.update(self.net)

    def update_critic(self, loss: Tensor) -> None:
        """One optimiser step of the critic."""
        self._update(self.critic_optimiser, loss, self.critic)

    @contextmanager
    def critic_frozen(self) -> Iterator[None]:
        """What is judged within leaves no gradients in the critic."""
        self.critic.requires_grad_(False)
        try:
            yield
        finally:
            self.critic.requires_grad_(True)

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

    def _update(self, optimiser: torch.optim.Optimizer, loss: Tensor, net: nn.Module) -> None:
        parameters = list(net.parameters())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(parameters, self.world)
        torch.nn.utils.clip_grad_norm_(parameters, self.clip_norm)
        optimiser.step()
