"""Several sample sources as one."""

from __future__ import annotations

from pathlib import Path

from export.train.sample import SampleSource, TrainingSample


class JoinedSource:
    """Sources one after the other."""

    def __init__(self, parts: list[SampleSource]) -> None:
        self.parts = parts

    @property
    def described(self) -> str:
        """What the parts say of themselves."""
        return " + ".join(getattr(part, "described", f"{len(part)} samples") for part in self.parts)

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, index: int) -> TrainingSample:
        for part in self.parts:
            if index < len(part):
                return part[index]
            index -= len(part)
        raise IndexError(index)


def joined(phantom: SampleSource, pairs: Path | None) -> SampleSource:
    """The phantom subjects, and the real pairs of a folder where one is given."""
    if pairs is None:
        return phantom
    from export.train.pairs import PairFolder

    return JoinedSource([phantom, PairFolder(pairs)])
