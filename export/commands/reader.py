"""``latx-export reader``: trains the network that reads endplates off a radiograph, and writes it as ONNX."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from export.commands.cache_arguments import add_cache, add_training_seeds, seed_range

DESCRIPTION = """\
The reader sees a lateral radiograph and nothing else. It is trained on the phantom's own films, bent and drawn
otherwise at random, and serves two ends: the self-check of a scan (do the synthetic picture and the angles agree?) and
the angles of baselines that draw a picture only. For the self-check, name the run whose stages draw (--pictures-of):
half of what it is shown is then drawn by them. A training that was broken off goes on where it stopped."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    add_cache(parser)
    add_training_seeds(parser)
    parser.add_argument("--validation-seeds", type=seed_range, default=None, metavar="FIRST:END",
                        help="validation seeds (default: all in the cache)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="ONNX file to write, e.g. reader.onnx")
    parser.add_argument("--pictures-of", type=Path, default=None, metavar="RUN",
                        help="train on pictures of this run as well, with stage 1's endplates as their truth")
    parser.add_argument("--pictures", type=int, default=1500, metavar="N",
                        help="with --pictures-of: number of its pictures (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=20.0, metavar="M",
                        help="length of the whole training (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Train, export, and say how well films are read.

    Raises:
        UsageError: no films in the cache. OutputError: the file cannot be written.
    """
    import torch

    torch.set_num_threads(args.threads)
    from edge.errors import OutputError
    from export.evaluate.reader.own_pictures import own_pictures
    from export.evaluate.reader.train import Progress, export_reader, train_reader
    from export.train.phantom_source import PhantomCache
    from export.train.sample import SampleSource
    from export.train.sources import WithRadiograph

    def tell(at: Progress) -> None:
        read = ", ".join(f"{kind} by {median:.2f} (median) {mean:.2f} (mean) deg"
                         for kind, (median, mean) in zip(("films", "the run's pictures"), at.errors_deg, strict=False))
        print(f"step {at.step}  loss {at.loss:.2f}  reads {read}", file=sys.stderr, flush=True)

    def drawn(count: int, of: int) -> None:
        print(f"\r{count}/{of} pictures drawn", end="" if count < of else "\n", file=sys.stderr, flush=True)

    training = PhantomCache(args.cache, args.tier, "train", args.seeds)
    unseen = PhantomCache(args.cache, args.tier, "validation", args.validation_seeds)
    films = WithRadiograph(training)
    shown: list[SampleSource] = [films]
    tried: list[SampleSource] = [WithRadiograph(unseen)]
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        if args.pictures_of is not None:
            kept = args.out.with_suffix("")
            for kinds, source, count, suffix in ((shown, training, args.pictures, ".pictures.pt"),
                                                 (tried, unseen, 64, ".unseen.pt")):
                kinds.append(own_pictures(args.pictures_of, source, count, kept.with_suffix(suffix), drawn))
        net = train_reader(shown, tried, args.out.with_suffix(".ckpt"), args.minutes, tell)
        export_reader(net, args.out)
    except OSError as error:
        raise OutputError("cannot write the reader", where=str(args.out), expected="a writable folder",
                          found=error.strerror or str(error), mend="choose another --out") from error
    print(f"{args.out}: trained on {films.described}")
    return 0
