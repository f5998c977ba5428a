"""Stage 1's step, validation and sample pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from export.model.config import SD_NAMES, ModelConfig
from export.model.structure import StructureNet
from export.train.angles import measured_angles
from export.train.dataset import training_batches, validation_batches
from export.train.ema import Average
from export.train.layout import laid_out
from export.train.loop import Schedule, average_gradients
from export.train.losses import StructureWeights, line_lengths, structure_loss
from export.train.pictures import structure_picture
from export.train.sample import SampleSource
from export.train.shard_stream import ShardStream
from export.train.template import Prior

SHOWN_TERMS: Final = ("landmark", "length", "angle", "first_angle", "coronal", "cobb", "image", "gate")
"""Terms of the loss on the progress line and in the curves."""


class StructureTrainer:
    """Trains ``StructureNet`` on a sample source (see ``export.train.loop.Trainer``)."""

    stage = "structure"

    def __init__(
        self, config: ModelConfig, prior: Prior, training: SampleSource | ShardStream, validation: SampleSource,
        schedule: Schedule,
        weights: StructureWeights | None = None, device: str = "cpu", rank: int = 0, world: int = 1,
    ) -> None:
        torch.manual_seed(schedule.seed)
        self.config, self.schedule, self.device, self.rank, self.world = config, schedule, device, rank, world
        self.training, self.validation = training, validation
        self.loss_weights = weights or StructureWeights()
        self.net = laid_out(StructureNet(config), device)
        prior.into(self.net)
        self.average = Average(self.net)
        decayed = [p for p in self.net.parameters() if p.dim() > 1]
        plain = [p for p in self.net.parameters() if p.dim() <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}],
            lr=schedule.learning_rate, betas=(0.9, 0.98),
        )

    def batches(self, first_step: int) -> Iterator[dict[str, Tensor]]:
        """See ``Trainer``."""
        s = self.schedule
        return training_batches(
            self.training, s.batch, s.seed, self.rank, first_step, s.workers, world=self.world
        )

    def step(self, batch: dict[str, Tensor], rate: float, progress: float) -> dict[str, float]:
        """See ``Trainer``."""
        del progress
        self.net.train()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        batch = {name: value.to(self.device) for name, value in batch.items()}
        with torch.autocast(self.device, torch.bfloat16, enabled=self.schedule.mixed_precision):
            got = self.net(*(self._laid_out(batch[n]) for n in ("back_view", "lateral_lift")))
        errors = self._angle_errors(got.endplates_mm, batch["angles_deg"])
        total, terms = structure_loss(
            got, batch, errors, self.net.deform.template_points, self.loss_weights
        )
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        parameters = list(self.net.parameters())
        average_gradients(parameters, self.world)
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        self.optimiser.step()
        self.average.update(self.net)
        shown = {name: float(terms[name].detach()) for name in SHOWN_TERMS}
        return {"loss": float(total.detach()), **shown, "angle_sd": float(terms["angle_sd"].detach())}

    def predict(self, batch: dict[str, Tensor]) -> Any:
        """Averaged weights in full precision on one batch."""
        with torch.no_grad():
            return self.average.net(batch["back_view"].to(self.device), batch["lateral_lift"].to(self.device))

    def validate(self, folder: Path, step: int) -> dict[str, float]:
        """Mean absolute error per angle through ``edge.measure``, landmark error, surplus of length, and a picture."""
        errors, distances, lengths, pictured = [], [], [], False
        for batch in validation_batches(self.validation, self.schedule.batch):
            got = self.predict(batch)
            endplates = got.endplates_mm.cpu()
            errors.append(self._angle_errors(endplates, batch["angles_deg"]))
            distances.append((endplates - batch["endplates_mm"]).norm(dim=-1).flatten())
            lengths.append((line_lengths(endplates) - line_lengths(batch["endplates_mm"])).flatten())
            if not pictured:
                structure_picture(folder / "samples" / f"structure_{step:06d}.png", batch, got)
                pictured = True
        absolute = torch.cat(errors).abs()
        result = {name: float(value) for name, value in zip(SD_NAMES, absolute.nanmean(0), strict=True)}
        lengthened = float(torch.cat(lengths).nanmean())
        return {"landmark_mm": float(torch.cat(distances).nanmean()), "lengthened_mm": lengthened, **result}

    def state(self) -> dict[str, Any]:
        """See ``Trainer``."""
        return {
            "net": self.net.state_dict(), "average": self.average.net.state_dict(),
            "updates": self.average.updates, "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """See ``Trainer``."""
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.average.updates = state["updates"]
        self.optimiser.load_state_dict(state["optimiser"])

    def weights(self) -> dict[str, Any]:
        """See ``Trainer``."""
        return {"config": self.config.to_json(), "net": self.average.net.state_dict()}

    def _laid_out(self, image: Tensor) -> Tensor:
        return image.to(memory_format=torch.channels_last)

    def _angle_errors(self, endplates_mm: Tensor, want_deg: Tensor) -> Tensor:
        measured = [measured_angles(e) for e in endplates_mm.detach().cpu().double().numpy()]
        return torch.from_numpy(np.stack(measured)).to(want_deg.device) - want_deg


def load_structure(weights: dict[str, Any]) -> StructureNet:
    """Stage 1 from what ``StructureTrainer.weights`` saved, in evaluation mode."""
    net = StructureNet(ModelConfig.from_json(weights["config"]))
    net.load_state_dict(weights["net"])
    return net.eval()
