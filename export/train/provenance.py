"""What a run was made from: the exact command, seeds and errors, kept beside the weights for the model card."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from export.train.loop import Schedule
from export.train.sample import SampleSource
from export.train.shard_stream import ShardStream


def command_line() -> str:
    """The command as typed, with the names of folders alone: where they lay is nobody's business."""
    arguments = [Path(a).name if os.sep in a else a for a in sys.argv[1:]]
    return shlex.join(["latx-export", *arguments])


def source_name(source: SampleSource | ShardStream) -> str:
    """What a source says of itself, e.g. tier and seeds."""
    if isinstance(source, ShardStream):
        return source.described
    return str(getattr(source, "described", f"{len(source)} samples"))


def record_training(
    folder: Path, stage: str, training: SampleSource | ShardStream, validation: SampleSource, schedule: Schedule,
    result: dict[str, float],
) -> None:
    """Write ``RUN/<stage>_training.json``."""
    record: dict[str, Any] = {
        "command": command_line(),
        "trained_on": source_name(training),
        "validated_on": source_name(validation),
        "schedule": asdict(schedule),
        "validation": result,
    }
    write_record(folder, stage, record)


def write_record(folder: Path, stage: str, record: dict[str, Any]) -> None:
    """Write ``RUN/<stage>_training.json`` atomically."""
    part = folder / f"{stage}_training.json.part"
    part.write_text(json.dumps(record, indent=1) + "\n")
    os.replace(part, folder / f"{stage}_training.json")


def read_training(folder: Path, stage: str) -> dict[str, Any]:
    """What ``write_record`` wrote; empty while the training still runs."""
    path = folder / f"{stage}_training.json"
    return json.loads(path.read_text()) if path.exists() else {}
