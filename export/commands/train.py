"""``latx-export train``: trains a stage, or the plain U-Net, for some minutes or steps; resumes what it finds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from export.commands.cache_arguments import add_cache, add_training_seeds, seed_range
from export.model.config import PARTS

if TYPE_CHECKING:
    from export.model.config import ModelConfig
    from export.train.loop import Schedule
    from export.train.pix2pix_trainer import Pix2PixTrainer
    from export.train.radiograph_trainer import RadiographTrainer
    from export.train.sample import SampleSource
    from export.train.shard_stream import ShardStream
    from export.train.structure_trainer import StructureTrainer
    from export.train.template import Prior

DEFAULT_BATCH = {"structure": 32, "radiograph": 8, "pix2pix": 8}
DEFAULT_RATE = {"structure": 2e-3, "radiograph": 1e-3, "pix2pix": 1e-3}

DESCRIPTION = """\
A stage is trained on cached phantom subjects, on real pairs, or on shards. For an ablation, train a stage with
--no-PART in a run folder of its own (stage 2 beside a copy of the same structure.pt), and as long as the whole one, by
--steps; latx-export ablations puts the runs into one table. pix2pix is the baseline without any of the parts."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("stage", choices=tuple(DEFAULT_BATCH),
                        help="which stage to train, or the plain U-Net from back view to radiograph")
    add_cache(parser, several=True)
    add_training_seeds(parser)
    parser.add_argument("--validation-seeds", type=seed_range, default=None, metavar="FIRST:END",
                        help="validation seeds to take from the cache (default: all that are there)")
    parser.add_argument("--pairs", type=Path, default=None, metavar="DIR",
                        help="folder of real pairs to train on, added to the phantom subjects")
    parser.add_argument("--shards", type=Path, default=None, metavar="DIR",
                        help="train on the WebDataset shards of a folder instead of the cache")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN",
                        help="run folder with prior.npz; resumed when it holds a checkpoint")
    parser.add_argument("--start-from", type=Path, default=None, metavar="FILE",
                        help="weights (RUN/STAGE.pt) to begin with when RUN has no checkpoint yet; blocks that they "
                             "lack start as identities")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="M",
                        help="training time over all resumptions (default: no limit)")
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="optimiser steps (default: no limit)")
    parser.add_argument("--batch", type=int, default=None, metavar="N",
                        help="subjects per step and process (default: 32 for structure, else 8)")
    parser.add_argument("--learning-rate", type=float, default=None, metavar="R",
                        help="peak learning rate (default: 2e-3 for structure, else 1e-3)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of weights and batches (default: 1)")
    parser.add_argument("--threads", type=int, default=1, metavar="N",
                        help="threads of the training process (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, metavar="N",
                        help="processes that prepare batches; 0 prepares them in line (default: %(default)s)")
    parser.add_argument("--checkpoint-minutes", type=float, default=3.0, metavar="M",
                        help="time between checkpoints (default: %(default)s)")
    parser.add_argument("--validate-minutes", type=float, default=4.0, metavar="M",
                        help="time between validations (default: %(default)s)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu",
                        help="where to train (default: %(default)s)")
    parser.add_argument("--full-precision", action="store_true", help="train without bfloat16")
    for name, instead in PARTS.items():
        parser.add_argument(f"--no-{name}", action="store_true", help=f"ablation: {instead}")


def run(args: argparse.Namespace) -> int:
    """Train until the schedule ends."""
    from edge.errors import UsageError

    if args.minutes <= 0 and args.steps <= 0:
        raise UsageError("no end of the training given", expected="--minutes or --steps", mend="give one of them")
    if args.shards and args.pairs:
        raise UsageError("shards and real pairs together", expected="--shards or --pairs",
                         mend="render a cache to train on both")
    import cv2
    import torch

    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    from export.train.loop import Schedule, distributed, train
    from export.train.phantom_source import PhantomCache
    from export.train.provenance import record_training, source_name
    from export.train.shard_stream import ShardStream
    from export.train.sources import joined
    from export.train.template import Prior

    rank, world = distributed()
    if args.device == "cuda" and world > 1:
        torch.cuda.set_device(rank % torch.cuda.device_count())
    prior = None if args.stage == "pix2pix" else Prior.load(args.out / "prior.npz")
    training = ShardStream(args.shards) if args.shards else joined(
        [PhantomCache(args.cache, tier, "train", args.seeds) for tier in args.tier], args.pairs
    )
    validation = PhantomCache(args.cache, args.tier[0], "validation", args.validation_seeds)
    schedule = Schedule(
        minutes=args.minutes, steps=args.steps, batch=args.batch or DEFAULT_BATCH[args.stage],
        learning_rate=args.learning_rate or DEFAULT_RATE[args.stage], seed=args.seed, workers=args.workers,
        checkpoint_minutes=args.checkpoint_minutes, validate_minutes=args.validate_minutes,
        mixed_precision=not args.full_precision,
    )
    if rank == 0:
        print(f"train on {source_name(training)}, validate on {len(validation)} ({validation.described})",
              file=sys.stderr)
    trainer = _trainer(args, prior, training, validation, schedule, rank, world)
    if args.start_from is not None:
        from export.train.warm_start import warm_start

        warm_start(trainer.net, args.start_from)
        trainer.average.net.load_state_dict(trainer.net.state_dict())
    result = train(trainer, args.out, schedule, rank)
    if rank == 0:
        record_training(args.out, args.stage, training, validation, schedule, result)
    return 0


def _trainer(
    args: argparse.Namespace, prior: Prior | None, training: SampleSource | ShardStream, validation: SampleSource,
    schedule: Schedule, rank: int, world: int,
) -> StructureTrainer | RadiographTrainer | Pix2PixTrainer:
    place = {"device": args.device, "rank": rank, "world": world}
    if prior is None:
        from export.train.pix2pix_trainer import Pix2PixTrainer

        return Pix2PixTrainer(training, validation, schedule, **place)
    config = _config(args, prior)
    if args.stage == "structure":
        from export.train.structure_trainer import StructureTrainer

        return StructureTrainer(config, prior, training, validation, schedule, **place)
    from export.train.radiograph_trainer import RadiographTrainer

    return RadiographTrainer(config, args.out / "structure.pt", training, validation, schedule, **place)


def _config(args: argparse.Namespace, prior: Prior) -> ModelConfig:
    from export.model.config import ModelConfig

    switches = {f"use_{name}": not getattr(args, f"no_{name}") for name in PARTS}
    return ModelConfig(landmark_modes=len(prior.modes_mm), **switches)
