"""Several sample sources as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.errors import UsageError
from export.train.sample import SampleSource, TrainingSample


class JoinedSource:
    """Sources one after the other."""

    def __init__(self, parts: list[SampleSource]) -> None:
        self.parts = parts

    @property
    def described(self) -> str:
        """What the parts say of themselves."""
        return " + ".join(getattr(part, "described", f"{len(part)} samples") for part in self.parts)

    @property
    def has_radiograph(self) -> list[bool]:
        """Per sample, without reading the images where a part knows."""
        known: list[bool] = []
        for part in self.parts:
            own = getattr(part, "has_radiograph", None)
            known += own if own is not None else [part[i].log_attenuation is not None for i in range(len(part))]
        return known

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, index: int) -> TrainingSample:
        for part in self.parts:
            if index < len(part):
                return part[index]
            index -= len(part)
        raise IndexError(index)


def joined(phantom: Sequence[SampleSource], pairs: Path | None) -> SampleSource:
    """The phantom subjects of every tier, and the real pairs of a folder where one is given."""
    parts = list(phantom)
    if pairs is not None:
        from export.train.pairs import PairFolder

        parts.append(PairFolder(pairs))
    return parts[0] if len(parts) == 1 else JoinedSource(parts)


class WithRadiograph:
    """Only those samples of a source that have a radiograph and landmarks."""

    def __init__(self, source: SampleSource) -> None:
        self.source = source
        known = getattr(source, "has_radiograph", None)
        if known is None:
            known = [source[i].log_attenuation is not None for i in range(len(source))]
        self.indices = [i for i, has in enumerate(known) if has]
        if not self.indices:
            raise UsageError("no sample with a radiograph", mend="render with --radiographs above 0")

    @property
    def described(self) -> str:
        """What the source says of itself, and how many of its samples count."""
        whole = getattr(self.source, "described", f"{len(self.source)} samples")
        return f"{whole}, {len(self)} with a radiograph"

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> TrainingSample:
        return self.source[self.indices[index]]
