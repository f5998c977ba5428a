"""What can be wrong with the device while it runs, as one table: what it is, how to mend it, whether it stops scans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edge.camera.depth_camera import DEGRADATIONS


@dataclass(frozen=True)
class Condition:
    """One thing that can be wrong. blocking: no scan begins or goes on while it holds."""

    what: str
    advice: str
    blocking: bool


_BLINDING: Final = frozenset({"no_depth"})
CONDITIONS: Final[dict[str, Condition]] = {
    key: Condition(row.what, row.advice, key in _BLINDING) for key, row in DEGRADATIONS.items()
} | {
    "no_room": Condition("results can no longer be kept", "Free space, or bring the receiver back.", True),
    "model_failing": Condition("the model fails", "If it persists, check the bundle: latx-edge doctor.", True),
    "overheated": Condition("the device is too hot to scan", "Let it cool; free its vents.", True),
    "warm": Condition("the rate is lowered to keep the device cool", "Free its vents.", False),
}
"""By key. The camera's own rows are those of ``edge.camera.depth_camera.DEGRADATIONS``."""


@dataclass(frozen=True)
class Holding:
    """A condition that holds now; ``detail`` is what was found."""

    key: str
    detail: str = ""

    @property
    def row(self) -> Condition:
        """Its row in ``CONDITIONS``."""
        return CONDITIONS[self.key]

    def line(self) -> str:
        """What is wrong, in one line."""
        return f"{self.row.what}: {self.detail}" if self.detail else self.row.what


def holding(found: Mapping[str, str | None]) -> tuple[Holding, ...]:
    """The conditions of ``found`` (key -> detail, None where it does not hold), blocking ones first.

    Raises:
        KeyError: no such condition.
    """
    active = [Holding(key, detail) for key, detail in found.items() if detail is not None and CONDITIONS[key]]
    order = list(CONDITIONS)
    return tuple(sorted(active, key=lambda held: (not held.row.blocking, order.index(held.key))))


def health_event(active: tuple[Holding, ...]) -> str:
    """What the conditions mean for the state machine: ``blocked``, ``impaired`` or ``sound``."""
    if not active:
        return "sound"
    return "blocked" if active[0].row.blocking else "impaired"
