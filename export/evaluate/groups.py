"""Who the subjects are, as groups: an average over all may hide that some are served badly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from export.evaluate.case import Case


@dataclass(frozen=True)
class Grouping:
    """A way to part subjects: into thirds of a number, or by a word. value_of: None where it is not known."""

    title: str
    value_of: Callable[[Case], str | float | None]

    def groups(self, cases: Sequence[Case]) -> dict[str, list[Case]]:
        """Cases by group; subjects of whom nothing is known are in none."""
        known = [(value, case) for case in cases if (value := self.value_of(case)) is not None]
        if not known:
            return {}
        if isinstance(known[0][0], str):
            names = sorted({str(value) for value, _ in known})
            return {name: [case for value, case in known if value == name] for name in names}
        numbers = np.array([float(value) for value, _ in known])
        low, high = np.quantile(numbers, [1 / 3, 2 / 3])
        third = np.digitize(numbers, [low, high])
        labels = (f"below {low:.3g}", f"{low:.3g} to {high:.3g}", f"above {high:.3g}")
        return {label: [case for (_, case), t in zip(known, third, strict=True) if t == k]
                for k, label in enumerate(labels)}


def _about(name: str) -> Callable[[Case], str | float | None]:
    return lambda case: case.about.get(name)


GROUPINGS: Final = (
    Grouping("age, years", _about("age_years")),
    Grouping("BMI", _about("bmi")),
    Grouping("sex", _about("sex")),
    Grouping("Cobb, deg", lambda case: case.true_deg.get("cobb_major")),
    Grouping("skin tone, 0 light to 1 dark", _about("skin_tone")),
    Grouping("camera", _about("camera")),
    Grouping("distance, m", _about("distance_m")),
)
