"""Trains the reader on films of a cache, resumably, and writes it as one ONNX file that needs no torch to run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from edge.measure.angles import sagittal_angles
from edge.measure.reading import rims_of
from edge.view.grid import RADIOGRAPH
from export.evaluate.reader.augment import augmented
from export.evaluate.reader.net import Reader, sagittal_truth
from export.onnx.graph import StageGraph, export_graph
from export.train.layout import laid_out
from export.train.loop import load_checkpoint, save_atomic
from export.train.sample import SampleSource

BATCH: Final = 8
RATE: Final = 2e-3
KEPT_EVERY_S: Final = 60.0
_MAP_SIGMA_MM: Final = 10.0
_LAST_STRENGTH: Final = 0.2
"""Films are drawn otherwise by less and less, down to this share: the reader ends on films as they will come."""


@dataclass(frozen=True)
class Progress:
    """What a training says of itself now and then. errors_deg: median and mean over the angles of each kind of film."""

    step: int
    loss: float
    errors_deg: tuple[tuple[float, float], ...]


def reader_loss(net: Reader, films: Tensor, endplates_mm: Tensor) -> Tensor:
    """Places, tilts and lengths, and attention that looks where the endplates are."""
    want = sagittal_truth(endplates_mm)
    logits, fields = net.maps(films)
    got = net.read(logits, fields)
    offset = functional.smooth_l1_loss(got[..., :2], want[..., :2], beta=2.0)
    tilt = functional.smooth_l1_loss(got[..., 2], want[..., 2], beta=2.0)
    length = functional.smooth_l1_loss(got[..., 3], want[..., 3], beta=2.0)
    dx = net.forward_mm[None, None] - want[..., 0, None]
    dy = net.up_mm[None, None] - want[..., 1, None]
    target = torch.softmax(-(dx * dx + dy * dy) / (2 * _MAP_SIGMA_MM**2), dim=-1)
    look = -(target * torch.log_softmax(logits, dim=-1)).sum(-1).mean()
    return 0.2 * offset + 0.3 * tilt + 0.1 * length + 0.3 * look


def train_reader(
    films: Sequence[SampleSource], validation: Sequence[SampleSource], state: Path, minutes: float,
    tell: Callable[[Progress], None], seed: int = 0,
) -> Reader:
    """Train for so many minutes in all, going on from ``state`` where it is; returns the reader.

    Args:
        films, validation: kinds of samples that have a radiograph and endplates; a batch draws equally from each kind.
    """
    net = laid_out(Reader(), "cpu")
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-4)
    step, spent = 0, 0.0
    if state.exists():
        kept = load_checkpoint(state)
        net.load_state_dict(kept["net"])
        optimiser.load_state_dict(kept["optimiser"])
        step, spent = int(kept["step"]), float(kept["spent"])
    last = time.monotonic()
    since_kept, loss_sum, counted = 0.0, 0.0, 0
    while spent < 60 * minutes:
        progress = min(1.0, spent / (60 * minutes))
        strength = 1.0 - (1.0 - _LAST_STRENGTH) * progress
        for group in optimiser.param_groups:
            # A plain float: numpy's would be kept in the state, which then cannot be read as weights alone.
            group["lr"] = RATE * max(0.02, 0.5 * (1 + math.cos(math.pi * progress)))
        net.train()
        rng = np.random.default_rng([seed, step])
        batch = [_drawn(films[k % len(films)], rng, strength) for k in range(BATCH)]
        pictures = torch.stack([b[0] for b in batch]).to(memory_format=torch.channels_last)  # 2.4 times the speed
        loss = reader_loss(net, pictures, torch.stack([b[1] for b in batch]))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step, loss_sum, counted = step + 1, loss_sum + float(loss.detach()), counted + 1
        now = time.monotonic()
        spent, since_kept, last = spent + now - last, since_kept + now - last, now
        if since_kept > KEPT_EVERY_S or spent >= 60 * minutes:
            errors = [np.abs(reading_errors(net, kind)) for kind in validation]
            told = tuple((float(np.median(e)), float(e.mean())) for e in errors)
            tell(Progress(step, loss_sum / counted, told))
            kept = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent}
            save_atomic(kept, state)
            since_kept, loss_sum, counted, last = 0.0, 0.0, 0, time.monotonic()
    return net.eval()


def reading_errors(net: Reader, source: SampleSource, limit: int = 64) -> np.ndarray:
    """(N, 8) degrees: sagittal angles read off the films, less those of their endplates."""
    net.eval()
    errors = []
    for index in range(min(limit, len(source))):
        sample = source[index]
        if sample.log_attenuation is None or sample.endplates_mm is None:
            continue
        with torch.no_grad():
            read = net(torch.from_numpy(sample.log_attenuation)[None, None])[0].double().numpy()
        found, true = sagittal_angles(rims_of(read)), sagittal_angles(sample.endplates_mm)
        errors.append([found[name] - true[name] for name in true])
    return np.array(errors)


def export_reader(net: Reader, path: Path) -> None:
    """Write the reader as ONNX, batch 1, whole or not at all."""
    film = (1, 1, RADIOGRAPH.rows, RADIOGRAPH.cols)
    export_graph(StageGraph("reader", net.eval(), {"log_attenuation": film}, ("endplates",)), path, "matmul")


def _drawn(films: SampleSource, rng: np.random.Generator, strength: float) -> tuple[Tensor, Tensor]:
    sample = films[int(rng.integers(len(films)))]
    assert sample.log_attenuation is not None
    assert sample.endplates_mm is not None
    film, endplates = augmented(np.nan_to_num(sample.log_attenuation), sample.endplates_mm, rng, strength)
    return torch.from_numpy(film)[None], torch.from_numpy(endplates)
