"""Disjoint seed ranges: what is trained on can, by construction, never be what is tested on."""

from __future__ import annotations

from typing import Final

from edge.errors import UsageError

SPLITS: Final = {
    "test": range(0, 100_000),
    "validation": range(100_000, 1_000_000),
    "train": range(1_000_000, 100_000_000),
}
CALIBRATION_START: Final = 200_000
"""First of the validation seeds that intervals are calibrated on; training validates on earlier ones."""
DEMO_SEED: Final = SPLITS["test"][0]
"""The shipped demonstration subject is the first test seed, not a chosen one."""


def split_of(seed: int) -> str:
    """Name of the split that ``seed`` belongs to.

    Raises:
        UsageError: the seed lies in no split.
    """
    for name, seeds in SPLITS.items():
        if seed in seeds:
            return name
    raise UsageError("seed outside every split", expected="0 to 99999999", found=str(seed))


def check_split(seeds: range, split: str) -> None:
    """Let only ``seeds`` of the named split pass: errors on what may have been trained on prove nothing.

    Raises:
        UsageError: there are none, or one lies elsewhere.
    """
    own = SPLITS[split]
    if not seeds or seeds[0] not in own or seeds[-1] not in own:
        raise UsageError(f"not {split} seeds", expected=f"within {own.start}:{own.stop}",
                         found=f"{seeds.start}:{seeds.stop}")


def one_split(seeds: range) -> str:
    """Name of the split that all ``seeds`` belong to.

    Raises:
        UsageError: they cross two splits, or lie in none.
    """
    split = split_of(seeds[0])
    if split_of(seeds[-1]) != split:
        raise UsageError("the seeds cross two splits", expected=f"seeds of {split} alone",
                         found=f"{seeds[0]}:{seeds[-1] + 1}")
    return split
