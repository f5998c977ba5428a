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
    """Per condition: mean absolute errors, median change against the base of the same subject, refusals by reason."""
    base = {case.name: case for case in cases[CONDITIONS[0]]}
    rows = []
    for condition, own in cases.items():
        answered = [case for case in own if case.answered]
        reasons = Counter(_reason(case) for case in own if not case.answered)
        errors = {name: [abs(c.predicted_deg[name] - c.true_deg[name]) for c in answered] for name in SHOWN}
        # A changed body has another truth: what is compared is the error, not the angle.
        moved = {
            name: [abs((c.predicted_deg[name] - c.true_deg[name])
                       - (base[c.name].predicted_deg[name] - base[c.name].true_deg[name]))
                   for c in answered if c.name in base and base[c.name].answered]
            for name in SHOWN
        }
        rows.append({
            "group": condition.group, "label": condition.label, "subjects": len(own), "refused": dict(reasons),
            "mae_deg": {n: float(np.mean(v)) if v else None for n, v in errors.items()},
            "median_change_deg": {n: float(np.median(v)) if v else None for n, v in moved.items()},
        })
    return rows


def robustness_text(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    """The table for a person."""
    head = ["Condition", "", *(f"{short} MAE" for short in SHOWN.values()),
            *(f"{short} moved" for short in SHOWN.values()), "refused"]
    cells, last = [head], ""
    for row in rows:
        group = row["group"] if row["group"] != last else ""
        last = row["group"]
        refused = ", ".join(f"{n} {reason}" for reason, n in row["refused"].items()) or "-"
        cells.append([group, row["label"], *(_number(row["mae_deg"][n]) for n in SHOWN),
                      *(_number(row["median_change_deg"][n]) for n in SHOWN), refused])
    note = "moved: median change of the error against the first row, degrees"
    return "\n".join([title, "", *aligned(cells), "", note])


def _reason(case: Case) -> str:
    """The gate's name out of a refusal's line."""
    _, found, rest = case.refusal.partition(" refused as ")
    return rest.partition(":")[0] if found else case.refusal[:40]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
