"""``latx-edge``: what runs on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge.command_table import Subcommand, dispatch

COMMANDS: Final = {
    "scan": Subcommand("edge.cli.scan", "measure a back: print its angles, write its synthetic radiograph and record"),
    "record": Subcommand("edge.cli.record", "write what a camera delivers to an MCAP recording"),
    "run": Subcommand("edge.cli.run", "serve as a kiosk: guide, scan by itself or on command, deliver; until a signal"),
    "config": Subcommand("edge.cli.config", "check, show, write or bring up to date the configuration of the daemon"),
    "receive": Subcommand("edge.cli.receive", "on the nurse's PC: take reports off the broker into folders"),
    "wipe": Subcommand("edge.cli.wipe", "delete results from this machine and from its queue"),
    "audit": Subcommand("edge.cli.audit", "check the log of what was stored, sent and deleted"),
    "doctor": Subcommand("edge.cli.doctor", "check camera, model, machine and broker, and say how to mend them"),
    "bench": Subcommand("edge.cli.bench", "time one frame through all stages on this machine"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``latx-edge`` and return its exit code (see ``edge.errors.EXIT_CODES``)."""
    return dispatch(
        "latx-edge",
        "From a depth view of a bare back to a synthetic lateral spine radiograph and its sagittal angles. "
        "Not a medical device.",
        COMMANDS,
        argv,
    )
