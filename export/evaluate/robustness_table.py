"""The robustness table: errors and refusals under each condition, beside the same subjects without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from edge.cli.table import aligned
from export.evaluate.case import Case
from export.evaluate.robustness import CONDITIONS, Condition

SHOWN: Final = {"thoracic_kyphosis_t4_t12": "TK", "lumbar_lordosis_l1_s1": "LL", "sacral_slope": "SS",
                "cobb_major": "Cobb"}


def robustness_rows(cases: Mapping[Condition, Sequence[Case]]) -> list[dict[str, Any]]:
    """Per condition, over the subjects that have a result under it: mean absolute errors; against the plain view of the
    same subjects the change of these, and by how much a single error moves; refusals by reason."""
    plain = {case.name: case for case in cases[CONDITIONS[0]] if case.answered}
    rows = []
    for condition, own in cases.items():
        answered = [case for case in own if case.answered]
        # A changed body has another truth: what is compared is the error, not the angle.
        pairs = {name: [(_error(case, name), _error(plain[case.name], name)) for case in answered if case.name in plain]
                 for name in SHOWN}
        rows.append({
            "group": condition.group, "label": condition.label, "subjects": len(own),
            "refused": dict(Counter(_reason(case) for case in own if not case.answered)),
            "repeat_asked": sum(bool(case.about.get("repeat_asked")) for case in answered),
            "mae_deg": {n: _mean([abs(_error(case, n)) for case in answered]) for n in SHOWN},
            "mae_change_deg": {n: _mean([abs(e) - abs(p) for e, p in found]) for n, found in pairs.items()},
            "median_moved_deg": {n: float(np.median([abs(e - p) for e, p in found])) if found else None
                                 for n, found in pairs.items()},
        })
    return rows


def robustness_text(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    """The table for a person."""
    head = ["Condition", "", *(heading for short in SHOWN.values() for heading in (short, "change", "moved")),
            "asks again", "refused"]
    cells, last = [head], ""
    for row in rows:
        group = row["group"] if row["group"] != last else ""
        last = row["group"]
        refused = ", ".join(f"{n} {reason}" for reason, n in row["refused"].items()) or "-"
        numbers = [text for n in SHOWN for text in (
            _number(row["mae_deg"][n]), _number(row["mae_change_deg"][n], "+"), _number(row["median_moved_deg"][n]))]
        cells.append([group, row["label"], *numbers, str(row["repeat_asked"] or "-"), refused])
    note = ("Degrees over those with a result: mean absolute error; its change against the first row, same subjects; "
            "median move of a subject's error. Of "
            f"{rows[0]['subjects']} subjects: scans that say so little that they ask to be repeated, and refusals.")
    return "\n".join([title, "", *aligned(cells), "", note])


def _error(case: Case, name: str) -> float:
    return case.predicted_deg[name] - case.true_deg[name]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _reason(case: Case) -> str:
    """The gates' names out of a refusal's line."""
    _, found, rest = case.refusal.partition(" refused as ")
    return rest.partition(":")[0] if found else case.refusal[:40]


def _number(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.1f}"
