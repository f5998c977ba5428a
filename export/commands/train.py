"""``latx-export train structure|radiograph``: trains a stage for some minutes or steps; resumes what it finds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from export.commands.cache_arguments import add_cache, add_training_seeds, seed_range

if TYPE_CHECKING:
    from export.train.radiograph_trainer import RadiographTrainer
    from export.train.structure_trainer import StructureTrainer

DEFAULT_BATCH = {"structure": 32, "radiograph": 8}
DEFAULT_RATE = {"structure": 2e-3, "radiograph": 1e-3}
SWITCHES = ("ffc", "attention", "sdn", "lift")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("stage", choices=tuple(DEFAULT_BATCH), help="which stage to train")
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
                        help="subjects per step and process (default: 32 for structure, 8 for radiograph)")
    parser.add_argument("--learning-rate", type=float, default=None, metavar="R",
                        help="peak learning rate (default: 2e-3 for structure, 1e-3 for radiograph)")
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
    for name in SWITCHES:
        parser.add_argument(f"--no-{name}", action="store_true", help=f"ablation: build the networks without {name}")


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
    from export.model.config import ModelConfig
    from export.train.loop import Schedule, distributed, train
    from export.train.phantom_source import PhantomCache
    from export.train.provenance import record_training, source_name
    from export.train.shard_stream import ShardStream
    from export.train.sources import joined
    from export.train.template import Prior

    rank, world = distributed()
    if args.device == "cuda" and world > 1:
        torch.cuda.set_device(rank % torch.cuda.device_count())
    prior = Prior.load(args.out / "prior.npz")
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
    config = ModelConfig(landmark_modes=len(prior.modes_mm),
                         **{f"use_{name}": not getattr(args, f"no_{name}") for name in SWITCHES})
    if rank == 0:
        print(f"train on {source_name(training)}, validate on {len(validation)} ({validation.described})",
              file=sys.stderr)
    from export.train.warm_start import warm_start

    def begin(trainer: StructureTrainer | RadiographTrainer) -> None:
        if args.start_from is not None:
            warm_start(trainer.net, args.start_from)
            trainer.average.net.load_state_dict(trainer.net.state_dict())

    if args.stage == "structure":
        from export.train.structure_trainer import StructureTrainer

        trainer = StructureTrainer(config, prior, training, validation, schedule, device=args.device, rank=rank,
                                   world=world)
        begin(trainer)
        result = train(trainer, args.out, schedule, rank)
    else:
        from export.train.radiograph_trainer import RadiographTrainer

        stage2 = RadiographTrainer(config, args.out / "structure.pt", training, validation, schedule,
                                   device=args.device, rank=rank, world=world)
        begin(stage2)
        result = train(stage2, args.out, schedule, rank)
    if rank == 0:
        record_training(args.out, args.stage, training, validation, schedule, result)
    return 0
