"""Whom an evaluation looks at: phantom subjects of the test split, written as recordings, or imported scans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from calib.phantom.splits import SPLITS
from edge.errors import UsageError

RECORDING = "recording.mcap"


def phantom_recordings(seeds: range, tier: str, frames: int, work: Path) -> Iterator[tuple[str, Path]]:
    """Name and recording of each test subject, written below ``work`` when its turn comes, unless it is there.

    Raises:
        UsageError: a seed that is no test seed: what may have been trained on proves nothing.
    """
    test = SPLITS["test"]
    if not seeds or seeds[0] not in test or seeds[-1] not in test:
        raise UsageError("not test seeds", expected=f"within {test.start}:{test.stop}",
                         found=f"{seeds.start}:{seeds.stop}")
    return _written(seeds, tier, frames, work)


def _written(seeds: range, tier: str, frames: int, work: Path) -> Iterator[tuple[str, Path]]:
    from calib.phantom.scene import is_written, write_phantom

    for seed in seeds:
        folder = work / tier / f"{seed:08d}"
        if not is_written(folder, seed, tier, frames):
            folder.parent.mkdir(parents=True, exist_ok=True)
            write_phantom(seed, tier, folder, frames)
        yield f"seed {seed}", folder / RECORDING


def scan_recordings(folder: Path) -> list[tuple[str, Path]]:
    """Name and recording of every subject that ``latx-calib import scans`` wrote to ``folder``.

    Raises:
        UsageError: there is none.
    """
    found = sorted(folder.glob(f"*/{RECORDING}")) if folder.is_dir() else []
    if not found:
        raise UsageError("no recordings to evaluate", where=str(folder), expected=f"NN/{RECORDING} and NN/truth.json",
                         found="none", mend="write them with: latx-calib import scans DIR --out DIR")
    return [(path.parent.name, path) for path in found]
