"""The evaluation as one table for a person, and as JSON for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge.cli.table import aligned
from edge.runtime.manifest import INTERVAL_NAMES
from export.evaluate.baselines import Baselines
from export.evaluate.case import Case, points
from export.evaluate.line_error import line_error
from export.evaluate.predictors import MODEL, OTHERS_MEAN, Predictions, truths
from export.evaluate.score import RESAMPLES, Score, mae_ratio_ci, score
from export.evaluate.sections import LABELS, section_text, section_values

SCHEMA: Final = "latx-evaluation/2"


@dataclass(frozen=True)
class Row:
    """One angle by one predictor. ratio, ratio_ci: the model's mean absolute error over this predictor's, 95 % CI."""

    angle: str
    predictor: str
    score: Score
    ratio: float
    ratio_ci: tuple[float, float]
    in_interval: float  # share of truths within the model's 90 % interval; NaN for the other predictors


def rows_of(cases: Sequence[Case], predictions: Predictions) -> list[Row]:
    """Every angle that is known of any subject, by every predictor that says something of it."""
    true = truths(cases, INTERVAL_NAMES)
    rows: list[Row] = []
    for angle in INTERVAL_NAMES:
        model = score(predictions[MODEL][angle], true[angle])
        for predictor, values in predictions.items():
            found = score(values[angle], true[angle], RESAMPLES)
            if found is None or model is None:
                continue
            share = _in_interval(cases, angle) if predictor == MODEL else float("nan")
            ratio = model.mae_deg / found.mae_deg if found.mae_deg > 0 else float("nan")
            bounds = mae_ratio_ci(predictions[MODEL][angle], values[angle], true[angle])
            rows.append(Row(angle, predictor, found, ratio, bounds, share))
    return rows


def _in_interval(cases: Sequence[Case], angle: str) -> float:
    known = [c for c in cases if angle in c.interval_deg and np.isfinite(c.true_deg.get(angle, np.nan))]
    hits = [c.interval_deg[angle][0] <= c.true_deg[angle] <= c.interval_deg[angle][1] for c in known]
    return float(np.mean(hits)) if hits else float("nan")


def report_text(title: str, cases: Sequence[Case], rows: Sequence[Row], baselines: Baselines) -> str:
    """The table, the refusals and what the baselines were fitted on."""
    cells = [["Angle (degrees)", "predictor", "MAE", "95 % CI", "bias", "SD", "P95", "ICC", "r",
              "in 90 % int.", "model / this", "95 % CI"]]
    last = ""
    for row in rows:
        s = row.score
        label = LABELS[row.angle] if row.angle != last else ""
        last = row.angle
        cells.append([
            label, row.predictor, f"{s.mae_deg:.2f}", _bounds(s.ci.get("mae_deg")), f"{s.bias_deg:+.2f}",
            _number(s.sd_deg), f"{s.p95_deg:.1f}", _number(s.icc), _correlation(row),
            "-" if np.isnan(row.in_interval) else f"{100 * row.in_interval:.0f} %",
            "-" if row.predictor == MODEL else _number(row.ratio),
            "-" if row.predictor == MODEL else _bounds(row.ratio_ci),
        ])
    refused = [case for case in cases if case.refusal]
    lines = [f"{title}: {len(cases) - len(refused)} of {len(cases)} subjects with a result", ""]
    lines += aligned(cells) if rows else []
    errors = line_errors(cases)
    if errors:
        lines += ["", f"Line through the vertebral bodies, mean over {errors['subjects']:.0f} subjects: "
                  f"{errors['distance_mm']:.1f} mm off (depth {errors['depth_mm']:.1f}, of that shape "
                  f"{errors['shape_mm']:.1f}; lateral {errors['lateral_mm']:.1f})"]
    if any(case.answered for case in cases):
        lines += ["", section_text(section_values(cases))]
    lines += ["", f"Baselines fitted on {baselines.subjects} training subjects ({baselines.fitted_on})."]
    lines += [f"No result for {case.name}: {case.refusal}" for case in refused]
    return "\n".join(lines)


def line_errors(cases: Sequence[Case]) -> dict[str, float]:
    """Mean error of the line through the vertebral bodies, mm, over the subjects whose line is known; else empty."""
    found = []
    for case in cases:
        endplates, line = points(case.endplates_mm), points(case.true_line_mm)
        if endplates is not None and line is not None:
            found.append(line_error(endplates, line).as_json())
    if not found:
        return {}
    return {"subjects": len(found)} | {name: float(np.mean([f[name] for f in found])) for name in found[0]}


def report_json(title: str, cases: Sequence[Case], rows: Sequence[Row], baselines: Baselines) -> dict[str, Any]:
    """The same with every subject's values."""
    return {
        "schema": SCHEMA,
        "title": title,
        "baselines": {"fitted_on": baselines.fitted_on, "subjects": baselines.subjects},
        "scores": [
            {
                "angle": row.angle,
                "predictor": row.predictor,
                **row.score.as_json(),
                "model_mae_over_this": row.ratio if np.isfinite(row.ratio) else None,
                "model_mae_over_this_ci95": list(row.ratio_ci) if np.isfinite(row.ratio_ci).all() else None,
                "share_in_interval": row.in_interval if np.isfinite(row.in_interval) else None,
            }
            for row in rows
        ],
        "angles": {row.angle: row.score.as_json() for row in rows if row.predictor == MODEL},
        "line": line_errors(cases),
        **section_values(cases),
        "cases": [case.model_dump(mode="json") for case in cases],
    }


def _correlation(row: Row) -> str:
    # The mean of the others falls where one's own value rises: that r is an artefact of leaving one out.
    return "-" if row.predictor == OTHERS_MEAN else _number(row.score.r)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _bounds(bounds: tuple[float, float] | None) -> str:
    return "-" if bounds is None or np.isnan(bounds).any() else f"{bounds[0]:.2f}-{bounds[1]:.2f}"
