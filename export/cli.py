"""The program ``latx-export``: its table of subcommands, one module each under ``export.commands``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge.command_table import Subcommand, dispatch

SUBCOMMANDS: Final = {
    "render": Subcommand("export.commands.render", "render phantom subjects into the training cache"),
    "shards": Subcommand("export.commands.shards", "render phantom subjects on a cluster, into WebDataset shards"),
    "fit-template": Subcommand("export.commands.fit_template", "fit the mean template and the shape model"),
    "train": Subcommand("export.commands.train", "train one stage, or go on where its run stopped"),
    "unpack": Subcommand("export.commands.unpack", "turn a bundle back into a run, to train on from its weights"),
    "average": Subcommand("export.commands.average", "average the weights of a run and of the one it started from"),
    "lean": Subcommand("export.commands.lean", "let the expert for typical backs lean on the one for ideal backs"),
    "onnx": Subcommand("export.commands.onnx", "write a verified model bundle from a run"),
    "check": Subcommand("export.commands.check", "hold every ONNX file of a bundle against those who must take it"),
    "inspect": Subcommand("export.commands.inspect", "show what a bundle holds"),
    "plugin": Subcommand("export.commands.plugin", "build and time the FFT plugin for TensorRT"),
    "engine": Subcommand("export.commands.engine", "build and test TensorRT engines, on the device that runs them"),
    "bisect": Subcommand("export.commands.bisect", "find the first node at which two forms of a stage part"),
    "bench": Subcommand("export.commands.bench", "time the model on everything that can run it, side by side"),
    "pairs": Subcommand("export.commands.pairs", "write phantom subjects in the format of real pairs"),
    "baselines": Subcommand("export.commands.baselines", "fit the free predictors that an evaluation compares with"),
    "compare": Subcommand("export.commands.compare", "measure in degrees how far two bundles or precisions differ"),
    "evaluate": Subcommand("export.commands.evaluate", "measure a bundle's errors through the device's whole path"),
    "intervals": Subcommand("export.commands.intervals", "calibrate a bundle's intervals, add a reader to it"),
    "card": Subcommand("export.commands.card", "put what evaluations measured into a bundle's model card"),
    "ablations": Subcommand("export.commands.ablations", "compare trained runs: with and without parts, and pix2pix"),
    "reader": Subcommand("export.commands.reader", "train the network that reads endplates off a radiograph"),
    "shapes": Subcommand("export.commands.shapes", "compare the phantom's backs with scanned ones"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``latx-export``; returns the exit code."""
    return dispatch("latx-export", "Training, export and evaluation of the two stages.", SUBCOMMANDS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
