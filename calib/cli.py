"""The program ``latx-calib``: its table of subcommands, one module each under ``calib.commands``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge.command_table import Subcommand, dispatch

SUBCOMMANDS: Final = {
    "phantom": Subcommand("calib.commands.phantom", "render one phantom subject from its seed, with its truth"),
    "import": Subcommand("calib.commands.import_scans", "turn foreign data into recordings that latx-edge can scan"),
    "collect": Subcommand("calib.commands.collect", "gather calibration views from recordings, listed by hash"),
    "quantize": Subcommand("calib.commands.quantize", "add FP16 and INT8 files to a bundle, each layer by its effect"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``latx-calib``; returns the exit code."""
    return dispatch("latx-calib", "The digital phantom, foreign data and calibration.", SUBCOMMANDS, argv)


if __name__ == "__main__":
    raise SystemExit(main())
