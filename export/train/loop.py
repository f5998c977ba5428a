"""The training loop of both stages: schedule by time or steps, checkpoints that resume exactly, curves, progress.

A stage brings its own ``Trainer`` (what a step and a validation are); the loop knows nothing about spines.
"""

from __future__ import annotations

import atexit
import csv
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from edge.errors import BundleError


@dataclass(frozen=True)
class Schedule:
    """How long and how fast. Training ends at ``minutes`` or ``steps``, whichever comes first (0 = no such limit).

    ``minutes`` counts training time over all resumptions. learning_rate rises over ``warmup`` of the way and then
    falls as a cosine to ``final`` times its peak.
    """

    minutes: float = 0.0
    steps: int = 0
    batch: int = 32
    learning_rate: float = 2e-3
    warmup: float = 0.04
    final: float = 0.01
    seed: int = 1
    workers: int = 1
    checkpoint_minutes: float = 3.0
    validate_minutes: float = 4.0
    mixed_precision: bool = True

    def progress(self, step: int, seconds: float) -> float:
        """Fraction of the way that is done, 0..1."""
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        by_step = step / self.steps if self.steps else 0.0
        return min(1.0, max(by_time, by_step))

    def rate(self, progress: float) -> float:
        """Learning rate at ``progress``."""
        if progress < self.warmup:
            return self.learning_rate * (0.02 + 0.98 * progress / self.warmup)
        down = 0.5 * (1 + math.cos(math.pi * (progress - self.warmup) / (1 - self.warmup)))
        return self.learning_rate * (self.final + (1 - self.final) * down)


class Trainer(Protocol):
    """What a stage brings to the loop."""

    stage: str

    def batches(self, first_step: int) -> Iterator[dict[str, Tensor]]:
        """Endless training batches from ``first_step`` on."""

    def step(self, batch: dict[str, Tensor], rate: float, progress: float) -> dict[str, float]:
        """One optimiser step; returns the terms to show."""

    def validate(self, folder: Path, step: int) -> dict[str, float]:
        """Errors on the validation subjects with the averaged weights; may write sample pictures."""

    def state(self) -> dict[str, Any]:
        """Everything needed to go on: weights, averages, optimisers."""

    def restore(self, state: dict[str, Any]) -> None:
        """Inverse of ``state``."""

    def weights(self) -> dict[str, Any]:
        """What later steps load: averaged weights, model config, prior."""


def distributed() -> tuple[int, int]:
    """(rank, world size); joins the process group that torchrun describes, if there is one.

    The group is left when the interpreter ends: gloo's threads, still running then, would abort the process.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        atexit.register(dist.destroy_process_group)
    return (dist.get_rank(), world) if world > 1 else (0, 1)


def average_gradients(parameters: list[torch.nn.Parameter], world: int) -> None:
    """Mean of the gradients over all processes; nothing to do for one."""
    if world == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= world
    offset = 0
    for gradient in gradients:
        gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
        offset += gradient.numel()


def save_atomic(value: dict[str, Any], path: Path) -> None:
    """torch.save under a temporary name, then rename: a reader never sees half a file."""
    part = path.with_suffix(".part")
    torch.save(value, part)
    os.replace(part, path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint or weights file.

    Raises:
        BundleError: missing or damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BundleError(
            "cannot read the checkpoint", where=str(path), expected="a file of latx-export train",
            found=type(error).__name__, mend="train the stage first, or remove the damaged file",
        ) from error


def random_state() -> dict[str, Any]:
    """State of every generator in use, in plain values."""
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "torch": torch.get_rng_state(), "python": json.dumps(random.getstate()),
        "numpy": [str(kind), torch.from_numpy(np.asarray(keys).astype(np.int64)), int(position), int(has_gauss),
                  float(cached)],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Inverse of ``random_state``."""
    torch.set_rng_state(state["torch"])
    version, keys, gauss = json.loads(state["python"])
    random.setstate((version, tuple(keys), gauss))
    kind, words, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, words.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002


def train(
    trainer: Trainer, folder: Path, schedule: Schedule, rank: int = 0, clock: Callable[[], float] = time.monotonic
) -> dict[str, float]:
    """Train until the schedule ends; resume where ``folder`` holds a checkpoint of the stage.

    Writes ``<stage>.ckpt`` (to resume), ``<stage>.pt`` (averaged weights), ``<stage>_curves.csv``,
    ``<stage>_validation.csv``, ``<stage>_schedule.json`` and sample pictures. Returns the last validation.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / f"{trainer.stage}.ckpt"
    step, seconds = 0, 0.0
    torch.manual_seed(schedule.seed + rank)
    if checkpoint.exists():
        saved = load_checkpoint(checkpoint)
        trainer.restore(saved["trainer"])
        restore_random_state(saved["random"])
        step, seconds = saved["step"], saved["seconds"]
        _say(f"resumed at step {step}, {seconds / 60:.1f} min", rank)
    if rank == 0:
        (folder / f"{trainer.stage}_schedule.json").write_text(json.dumps(asdict(schedule), indent=1) + "\n")
    batches = trainer.batches(step)
    last = clock()
    next_save, next_check = seconds + 60 * schedule.checkpoint_minutes, seconds + 60 * schedule.validate_minutes
    next_line = seconds
    running: dict[str, float] = {}
    validation: dict[str, float] = {}

    def keep() -> None:
        if rank == 0:
            save_atomic(
                {"trainer": trainer.state(), "random": random_state(), "step": step, "seconds": seconds}, checkpoint
            )
            save_atomic(trainer.weights(), folder / f"{trainer.stage}.pt")

    while (progress := _agreed(schedule.progress(step, seconds))) < 1.0:
        terms = trainer.step(next(batches), schedule.rate(progress), progress)
        step += 1
        now = clock()
        seconds, last = seconds + now - last, now
        for name, value in terms.items():
            running[name] = value if name not in running else 0.98 * running[name] + 0.02 * value
        if seconds >= next_line:
            _progress_line(trainer.stage, step, seconds, progress, schedule, running, rank)
            next_line = seconds + (1.0 if sys.stderr.isatty() else 20.0)
        if step % 50 == 0 and rank == 0:
            _append_row(folder / f"{trainer.stage}_curves.csv", {"step": step, "seconds": seconds, **running})
        if seconds >= next_save:
            keep()
            next_save = seconds + 60 * schedule.checkpoint_minutes
        if seconds >= next_check:
            validation = _validated(trainer, folder, step, seconds, rank)
            next_check = seconds + 60 * schedule.validate_minutes
        last = clock()  # checkpoints and validation are not training time
    keep()
    return _validated(trainer, folder, step, seconds, rank) or validation


def _validated(trainer: Trainer, folder: Path, step: int, seconds: float, rank: int) -> dict[str, float]:
    if rank != 0:
        return {}
    result = trainer.validate(folder, step)
    _append_row(folder / f"{trainer.stage}_validation.csv", {"step": step, "seconds": seconds, **result})
    _say("validation " + "  ".join(f"{k} {v:.3f}" for k, v in result.items()), rank)
    return result


def _agreed(progress: float) -> float:
    # All processes must stop at the same step, whatever their clocks say.
    if not dist.is_initialized():
        return progress
    shared = torch.tensor([progress])
    if dist.get_backend() == "nccl":
        shared = shared.cuda()
    dist.broadcast(shared, 0)
    return float(shared)


def _append_row(path: Path, row: dict[str, float]) -> None:
    header = ",".join(row)
    if path.exists() and path.read_text().partition("\n")[0].strip() != header:
        os.replace(path, path.with_suffix(".earlier.csv"))  # a run resumed by a version that shows other terms
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(row)
        writer.writerow([f"{v:.6g}" for v in row.values()])


def _progress_line(
    stage: str, step: int, seconds: float, progress: float, schedule: Schedule, terms: dict[str, float], rank: int
) -> None:
    if rank != 0:
        return
    pace = 1000 * seconds / max(step, 1) / schedule.batch
    shown = "  ".join(f"{k} {v:.3f}" for k, v in terms.items())
    line = f"{stage} step {step}  {100 * progress:.0f}%  {seconds / 60:.1f} min  {pace:.1f} ms/sample  {shown}"
    end = "\r" if sys.stderr.isatty() else "\n"
    print(line, end=end, file=sys.stderr, flush=True)


def _say(text: str, rank: int) -> None:
    if rank == 0:
        print(text, file=sys.stderr, flush=True)
