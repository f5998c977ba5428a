"""Older layouts of the configuration, and how their keys move into the next one: one row per version.

Version 0, or no ``version`` at all, is the flat layout: the options of ``latx-edge scan`` as keys.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from edge.config.models import CURRENT_VERSION
from edge.config.positions import KeyPath


@dataclass(frozen=True)
class Step:
    """From one version to the next: where keys go. A key that holds a table already has the newer form and stays."""

    what: str
    moves: dict[KeyPath, KeyPath]


STEPS: Final[dict[int, Step]] = {
    0: Step(
        "options of `latx-edge scan` become sections",
        {
            ("camera",): ("camera", "uri"),
            ("bundle",): ("model", "bundle"),
            ("runtime",): ("model", "runtime"),
            ("threads",): ("model", "threads"),
            ("out",): ("storage", "out"),
            ("frames",): ("scan", "frames"),
        },
    ),
}
"""By the version that a step starts from; there is one for every version below the current one."""


def migrate(data: dict[str, Any], version: int) -> tuple[dict[str, Any], dict[KeyPath, KeyPath]]:
    """The same configuration in the current layout.

    Args:
        data: as parsed, of ``version``; left as it is.

    Returns:
        the new form, and for every key that moved its new path -> its path in ``data``.
    """
    new, origin = copy.deepcopy(data), dict[KeyPath, KeyPath]()
    for step in (STEPS[number] for number in range(version, CURRENT_VERSION)):
        for old, target in step.moves.items():
            value = _take(new, old)
            if value is not None and _put(new, target, value):
                origin[target] = origin.pop(old, old)
            elif value is not None:
                _put(new, old, value)
    new["version"] = CURRENT_VERSION
    return new, origin


def _take(data: dict[str, Any], path: KeyPath) -> Any:
    """Remove and return a value that is no table; None where there is none."""
    for part in path[:-1]:
        data = data.get(str(part), {})
        if not isinstance(data, dict):
            return None
    return None if isinstance(data.get(str(path[-1])), dict) else data.pop(str(path[-1]), None)


def _put(data: dict[str, Any], path: KeyPath, value: Any) -> bool:
    """Set a value; False where something is there already that it would hide."""
    for part in path[:-1]:
        data = data.setdefault(str(part), {})
        if not isinstance(data, dict):
            return False
    return data.setdefault(str(path[-1]), value) is value
