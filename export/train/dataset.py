"""From samples to batches: augmentation, the device's own ``edge.lift``, and batches that depend on the step alone.

A batch is drawn from ``(seed, rank, step)``, so a resumed run sees the batches that an uninterrupted one would.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from edge.lift import back_tensor, lateral_lift
from edge.view.grid import RADIOGRAPH
from export.model.config import ENDPLATE_COUNT, SD_NAMES
from export.train.angles import measured_angles
from export.train.augment import augment
from export.train.sample import SampleSource, TrainingSample
from export.train.shard_stream import ShardStream


class TensorDataset(Dataset[dict[str, Tensor]]):
    """Reads ``(index, augmentation seed)``; a negative seed means the sample as it is.

    ``with_radiograph`` off saves the copy where no loss looks at it.
    """

    def __init__(self, source: SampleSource, with_radiograph: bool = True) -> None:
        self.source, self.with_radiograph = source, with_radiograph

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        index, seed = key
        return tensors(self.source[index], seed, self.with_radiograph)


def tensors(sample: TrainingSample, seed: int, with_radiograph: bool) -> dict[str, Tensor]:
    """One sample as the networks and losses take it, augmented with ``seed``; a negative one leaves it as it is."""
    angles = np.full(len(SD_NAMES), np.nan, np.float32)
    if sample.endplates_mm is not None and np.isfinite(sample.endplates_mm).all():
        angles = measured_angles(sample.endplates_mm)
    if seed >= 0:
        sample = augment(sample, np.random.default_rng(seed))
    endplates = sample.endplates_mm
    if endplates is None:
        endplates = np.full((ENDPLATE_COUNT, 4, 3), np.nan, np.float32)
    item = {
        "back_view": torch.from_numpy(back_tensor(sample.view)),
        "lateral_lift": torch.from_numpy(lateral_lift(sample.view)),
        "endplates_mm": torch.from_numpy(endplates.astype(np.float32)),
        "angles_deg": torch.from_numpy(angles),
        "expert": torch.tensor(sample.expert),
    }
    if with_radiograph:
        film = sample.log_attenuation
        if film is None:
            film = np.full((RADIOGRAPH.rows, RADIOGRAPH.cols), np.nan, np.float32)
        item["log_attenuation"] = torch.from_numpy(film.astype(np.float32))[None]
    return item


class StepSampler:
    """Endless batches of ``(index, augmentation seed)`` from ``first_step`` on."""

    def __init__(self, size: int, batch: int, seed: int, rank: int = 0, first_step: int = 0) -> None:
        self.size, self.batch, self.seed, self.rank, self.first_step = size, batch, seed, rank, first_step

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        step = self.first_step
        while True:
            rng = np.random.default_rng([self.seed, self.rank, step])
            indices = rng.integers(0, self.size, self.batch)
            seeds = rng.integers(0, 2**62, self.batch)
            yield list(zip(indices.tolist(), seeds.tolist(), strict=True))
            step += 1


def training_batches(
    source: SampleSource | ShardStream, batch: int, seed: int, rank: int, first_step: int, workers: int,
    with_radiograph: bool = True, world: int = 1,
) -> Iterator[dict[str, Tensor]]:
    """Endless augmented batches. ``workers`` processes prepare them; 0 does it in this process."""
    if isinstance(source, ShardStream):
        return source.batches(batch, seed, rank, world, first_step, workers, with_radiograph)
    if workers:
        cv2.setNumThreads(1)  # before the fork: in a child of a process with OpenCV threads it may wait for ever
    loader = DataLoader(
        TensorDataset(source, with_radiograph),
        batch_sampler=StepSampler(len(source), batch, seed, rank, first_step),  # type: ignore[arg-type]
        num_workers=workers,
        prefetch_factor=3 if workers else None,
        worker_init_fn=_one_thread if workers else None,
    )
    return iter(loader)


def validation_batches(source: SampleSource, batch: int, with_radiograph: bool = True) -> Iterator[dict[str, Tensor]]:
    """Every sample once, in order, as it is."""
    dataset = TensorDataset(source, with_radiograph)
    for start in range(0, len(source), batch):
        items = [dataset[(i, -1)] for i in range(start, min(start + batch, len(source)))]
        yield {name: torch.stack([item[name] for item in items]) for name in items[0]}


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)
