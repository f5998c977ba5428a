"""What becomes of a configuration that is read again: which keys take effect at once and which need a restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from edge.config.models import Config

RELOADABLE: Final = frozenset({"scan", "live", "thermal", "log"})
"""Sections whose values are read where they are used. All others are built into something that runs."""

Effect = Literal["reloaded", "requires_restart"]


@dataclass(frozen=True)
class Reload:
    """What changed, by key: ``reloaded`` or ``requires_restart``."""

    keys: dict[str, Effect]

    @property
    def verdict(self) -> Literal["unchanged", "reloaded", "requires_restart"]:
        """The whole in one word: a single key that needs a restart decides."""
        if not self.keys:
            return "unchanged"
        return "requires_restart" if "requires_restart" in self.keys.values() else "reloaded"


def compare(old: Config, new: Config) -> Reload:
    """Every key that differs."""
    before, after = _flat(old.model_dump(), ""), _flat(new.model_dump(), "")
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key, _GONE) != after.get(key, _GONE))
    return Reload({key: "reloaded" if key.partition(".")[0] in RELOADABLE else "requires_restart" for key in changed})


def applied(old: Config, new: Config) -> Config:
    """``old`` with the reloadable sections of ``new``: what is in force after a reload."""
    return old.model_copy(update={section: getattr(new, section) for section in RELOADABLE})


_GONE: Final = object()


def _flat(values: dict[str, Any], above: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat
