"""What the commands share that make a run's weights out of trained ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.errors import UsageError


def check_derived(run: Path, stage: str, share: float) -> None:
    """Before anything is read.

    Raises:
        UsageError: no share, or the run has weights of this stage.
    """
    if not 0.0 <= share <= 1.0:
        raise UsageError("no such share", expected="0 to 1", found=str(share), mend="give --share 0.5")
    target = run / f"{stage}.pt"
    if target.exists():
        raise UsageError("the run has weights of this stage", found=str(target), mend="name another folder with --out")


def write_derived(run: Path, stage: str, weights: dict[str, Any], made_from: dict[str, Any]) -> Path:
    """Write ``RUN/<stage>.pt``, which is returned, and ``RUN/<stage>_training.json``, with the command."""
    from export.train.loop import save_atomic
    from export.train.provenance import command_line, write_record

    run.mkdir(parents=True, exist_ok=True)
    save_atomic(weights, run / f"{stage}.pt")
    write_record(run, stage, {"command": command_line(), **made_from})
    return run / f"{stage}.pt"
