"""A comparison as text and as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.cli.table import aligned
from edge.runtime.manifest import INTERVAL_NAMES
from export.compare.measure import QUANTILES, Compared, Comparison


def text(compared: Compared) -> str:
    """Three tables: angles in degrees, tensors as shares of their range, time of the two bare stages."""
    first, *others = compared.comparisons
    parts = [f"Against {first.name}, {compared.recordings} recordings, {compared.views} views", ""]
    for entry in others:
        drift = np.array(entry.scan_drift_deg)
        rows = [[f"{entry.name}: drift, degrees", "mean", "p95", "worst scan", "worst view"]]
        views = np.array(entry.view_drift_deg)
        for i, name in enumerate((*INTERVAL_NAMES, "all angles")):
            mine, frames = (drift[:, i], views[:, i]) if i < len(INTERVAL_NAMES) else (drift, views)
            rows.append([name, f"{mine.mean():.4f}", f"{np.quantile(mine, 0.95):.4f}", f"{mine.max():.3f}",
                         f"{frames.max():.3f}"])
        parts += [*aligned(rows), ""]
        rows = [["output, share of its range", "mean", *(f"p{q * 100:g}" for q in QUANTILES), "worst"]]
        rows += [[name, f"{e.mean:.1e}", *(f"{e.quantile(q):.1e}" for q in QUANTILES), f"{e.worst:.1e}"]
                 for name, e in entry.tensors.items()]
        parts += [*aligned(rows), ""]
    rows = [["two bare stages", "p50 ms", "p95 ms", "times the first's rate"]]
    rows += [[e.name, f"{e.p50_ms:.1f}", f"{np.quantile(e.run_ms, 0.95):.1f}", f"{first.p50_ms / e.p50_ms:.2f}"]
             for e in compared.comparisons]
    return "\n".join([*parts, *aligned(rows)])


def as_json(compared: Compared) -> dict[str, Any]:
    """The same as plain values, with the drift of every recording."""
    first = compared.comparisons[0]
    return {"recordings": compared.recordings, "views": compared.views, "reference": first.name,
            "contenders": [_entry(entry, first) for entry in compared.comparisons]}


def _entry(entry: Comparison, first: Comparison) -> dict[str, Any]:
    drift = np.array(entry.scan_drift_deg)
    return {
        "name": entry.name,
        "angles_deg": {
            name: {"mean": float(drift[:, i].mean()), "p95": float(np.quantile(drift[:, i], 0.95)),
                   "worst": float(drift[:, i].max())}
            for i, name in enumerate(INTERVAL_NAMES)
        },
        "mean_deg": float(drift.mean()), "worst_deg": float(drift.max()),
        "worst_view_deg": float(np.max(entry.view_drift_deg)),
        "per_recording_mean_deg": drift.mean(axis=1).round(5).tolist(),
        "tensors_of_range": {
            name: {"mean": e.mean, "worst": e.worst, **{f"p{q * 100:g}": e.quantile(q) for q in QUANTILES}}
            for name, e in entry.tensors.items()
        },
        "two_stages_p50_ms": entry.p50_ms, "two_stages_p95_ms": float(np.quantile(entry.run_ms, 0.95)),
        "rate_against_first": first.p50_ms / entry.p50_ms,
    }
