"""Trained runs on the same validation subjects: angles of stage 1, and the pictures with what is read off them.

Networks are asked directly, without camera and fusion: what is compared is what their parts are worth at one budget.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from edge.measure.angles import sagittal_angles
from edge.measure.reading import CHECKED, rims_of
from export.evaluate.film_agreement import film_agreement
from export.evaluate.reader.net import Reader
from export.model.config import PARTS, SD_NAMES
from export.model.structure import StructureNet
from export.train.angles import measured_angles
from export.train.dataset import validation_batches
from export.train.loop import load_checkpoint
from export.train.pix2pix_trainer import load_pix2pix
from export.train.radiograph_trainer import RadiographTrainer, load_radiograph
from export.train.sample import SampleSource
from export.train.structure_trainer import load_structure

BATCH: Final = 8


@dataclass
class Row:
    """One network of one run. without: the parts that it was built without. budget: steps and minutes it was trained.

    mae_deg: angles as they come out (stage 1), or as read off the picture. film: means of ``film_agreement``.
    """

    run: str
    network: str
    without: tuple[str, ...]
    steps: int = 0
    minutes: float = 0.0
    subjects: int = 0
    mae_deg: dict[str, float] = field(default_factory=dict)
    landmark_mm: float | None = None
    film: dict[str, float] = field(default_factory=dict)


def load_reader(path: Path) -> Reader:
    """The reader from the state that ``latx-export reader`` keeps beside its ONNX file.

    Raises:
        BundleError: missing or damaged.
    """
    net = Reader()
    net.load_state_dict(load_checkpoint(path)["net"])
    return net.eval()


@torch.no_grad()
def structure_row(run: Path, validation: SampleSource) -> Row:
    """Stage 1's angles over every validation subject."""
    weights = load_checkpoint(run / "structure.pt")
    net = load_structure(weights)
    row = _row(run, "structure", weights["config"])
    errors, distances = [], []
    for batch in validation_batches(validation, BATCH, with_radiograph=False):
        endplates = net(batch["back_view"], batch["lateral_lift"]).endplates_mm
        measured = np.stack([measured_angles(e) for e in endplates.double().numpy()])
        errors.append(np.abs(measured - batch["angles_deg"].numpy()))
        distances.append((endplates - batch["endplates_mm"]).norm(dim=-1).mean(dim=(1, 2)))
    every = np.concatenate(errors)
    row.mae_deg = dict(zip(SD_NAMES, np.nanmean(every, axis=0).tolist(), strict=True))
    row.landmark_mm, row.subjects = float(torch.cat(distances).mean()), len(every)
    return row


def picture_rows(run: Path, films: SampleSource, reader: Reader | None) -> Iterator[Row]:
    """A row for every network of the run that makes a picture; ``films``: validation subjects with a radiograph."""
    if (run / "radiograph.pt").exists():
        weights = load_checkpoint(run / "radiograph.pt")
        stage1, stage2 = load_structure(load_checkpoint(run / "structure.pt")), load_radiograph(weights)

        def both(batch: dict[str, Tensor]) -> Tensor:
            seen = stage1(batch["back_view"], batch["lateral_lift"])
            return RadiographTrainer.generate(stage2, batch, seen, seen.endplates_mm)

        yield _pictured(_row(run, "radiograph", weights["config"]), both, films, reader)
        yield _pictured(_row(run, "structure", stage1.config.to_json(), "stage 1 alone"), _template_of(stage1), films,
                        reader)
    if (run / "pix2pix.pt").exists():
        weights = load_checkpoint(run / "pix2pix.pt")
        net = load_pix2pix(weights)
        yield _pictured(_row(run, "pix2pix", {}), lambda batch: net(batch["back_view"]), films, reader)


def _template_of(stage1: StructureNet) -> Callable[[dict[str, Tensor]], Tensor]:
    def template(batch: dict[str, Tensor]) -> Tensor:
        warped: Tensor = stage1(batch["back_view"], batch["lateral_lift"]).warped_template
        return warped[:, :1]

    return template


@torch.no_grad()
def _pictured(row: Row, draw: Callable[[dict[str, Tensor]], Tensor], films: SampleSource, reader: Reader | None) -> Row:
    agreements, errors = [], []
    for batch in validation_batches(films, BATCH):
        got = draw(batch)
        for film, true in zip(got[:, 0].numpy(), batch["log_attenuation"][:, 0].numpy(), strict=True):
            agreements.append(film_agreement(film, true))
        if reader is not None:
            for read, endplates in zip(reader(got).double().numpy(), batch["endplates_mm"].numpy(), strict=True):
                found, true_deg = sagittal_angles(rims_of(read)), sagittal_angles(endplates)
                errors.append({name: abs(found[name] - true_deg[name]) for name in CHECKED})
    row.subjects = len(agreements)
    row.film = {name: float(np.mean([a[name] for a in agreements])) for name in agreements[0]}
    row.mae_deg = {name: float(np.mean([e[name] for e in errors])) for name in CHECKED} if errors else {}
    return row


def _row(run: Path, stage: str, config: dict[str, Any], label: str = "") -> Row:
    steps, minutes = _budget(run / f"{stage}_validation.csv")
    off = tuple(name for name in PARTS if config.get(f"use_{name}") is False)
    return Row(run.name, label or stage, off, steps, minutes)


def _budget(path: Path) -> tuple[int, float]:
    """Steps and minutes of the last line of a run's validations; nothing where it has none."""
    if not path.exists():
        return 0, 0.0
    with path.open(newline="") as stream:
        last = list(csv.DictReader(stream))[-1:]
    return (int(float(last[0]["step"])), float(last[0]["seconds"]) / 60) if last else (0, 0.0)
