"""The pictures that a run's two stages draw, with stage 1's endplates as their truth: films for the reader.

A reader of true films alone reads them well and stumbles over a synthetic one, whose bones are softer. What it has to
tell on a device is whether such a picture shows the endplates that it was drawn with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch.utils.data import Subset

from export.train.dataset import validation_batches
from export.train.loop import load_checkpoint, save_atomic
from export.train.radiograph_trainer import RadiographTrainer, load_radiograph
from export.train.sample import SampleSource, TrainingSample
from export.train.structure_trainer import load_structure

BATCH: Final = 8
STAGES: Final = ("structure.pt", "radiograph.pt")


class OwnPictures:
    """A source's samples with ``films`` (N, 512, 256) and ``endplates_mm`` (N, 37, 4, 3) in place of the truth."""

    def __init__(self, source: SampleSource, films: np.ndarray, endplates_mm: np.ndarray) -> None:
        self.source, self.films, self.endplates_mm = source, films, endplates_mm

    def __len__(self) -> int:
        return len(self.films)

    def __getitem__(self, index: int) -> TrainingSample:
        film = self.films[index].astype(np.float32)
        return replace(self.source[index], log_attenuation=film, endplates_mm=self.endplates_mm[index])


@torch.no_grad()
def own_pictures(
    run: Path, source: SampleSource, count: int, kept: Path, tell: Callable[[int, int], None]
) -> OwnPictures:
    """Draw ``count`` subjects of a source with a run's stages, or take the pictures from ``kept`` if they are these.

    Args:
        tell: called with how many are drawn, and of how many.

    Raises:
        BundleError: the run lacks a stage.
    """
    indices = np.linspace(0, len(source) - 1, min(count, len(source))).round().astype(int).tolist()
    some: SampleSource = Subset(source, indices)  # type: ignore[arg-type]
    mark = hashlib.sha256(repr(indices).encode())
    weights = [load_checkpoint(run / name) for name in STAGES]
    for name in STAGES:
        mark.update((run / name).read_bytes())
    if kept.exists():
        old = load_checkpoint(kept)
        if old["mark"] == mark.hexdigest():
            return OwnPictures(some, old["films"].numpy(), old["endplates_mm"].numpy())
    stage1, stage2 = load_structure(weights[0]), load_radiograph(weights[1])
    films, endplates = [], []
    for batch in validation_batches(some, BATCH, with_radiograph=False):
        seen = stage1(batch["back_view"], batch["lateral_lift"])
        drawn = RadiographTrainer.generate(stage2, batch, seen, seen.endplates_mm)
        films.append(drawn[:, 0].half())
        endplates.append(seen.endplates_mm)
        tell(sum(map(len, films)), len(some))
    every, of_them = torch.cat(films), torch.cat(endplates)
    save_atomic({"mark": mark.hexdigest(), "films": every, "endplates_mm": of_them}, kept)
    return OwnPictures(some, every.numpy(), of_them.numpy())
