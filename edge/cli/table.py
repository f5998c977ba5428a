"""The result of a scan as text: one row per angle, then quality, files and the notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge.fuse import REASONS_AFTER_MODEL
from edge.measure.angles import ANGLE_LABELS
from edge.measure.intervals import COVERAGE
from edge.result.models import Angle, Cobb, Result
from edge.view.gates import REASONS

_WHY: Final = {reason: row.what for reason, row in (REASONS | REASONS_AFTER_MODEL).items()}


def scan_table(result: Result, files: Sequence[Path], truth: Mapping[str, float]) -> str:
    """Printable text of a result.

    Args:
        files: paths that were written. truth: true angles by name where they are known, else empty.
    """
    headings = ["Angle (degrees)", "value", f"{COVERAGE * 100:.0f} % interval", "repeatability"]
    rows = [_row(ANGLE_LABELS[name], angle, truth.get(name)) for name, angle in result.angles.items()]
    rows.append(_row("Coronal Cobb, major", result.coronal.cobb_major, truth.get("cobb_major")))
    if truth:
        headings += ["true", "error"]
    else:
        rows = [row[: len(headings)] for row in rows]
    lines = [f"Scan {result.scan_id}", "", *aligned([headings, *rows]), ""]
    lines += [_curve_line(result.coronal.cobb_major), _quality_line(result), *_repeat_line(result),
              *_contradicted_line(result), *_model_line(result, bool(truth)), ""]
    lines += [str(path) for path in files]
    lines += ["", result.notice]
    return "\n".join(lines)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as columns: the first to the left, numbers to the right, a rule below the headings."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    texts = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return [texts[0], "-" * len(texts[0]), *texts[1:]]


def _row(label: str, angle: Angle | Cobb, true: float | None) -> list[str]:
    repeatability = "-" if angle.repeatability_deg is None else f"{angle.repeatability_deg:.1f}"
    cells = [label, f"{angle.value_deg:.1f}", f"{angle.low_deg:.0f} to {angle.high_deg:.0f}", repeatability]
    return cells + (["-", "-"] if true is None else [f"{true:.1f}", f"{angle.value_deg - true:+.1f}"])


def _curve_line(curve: Cobb) -> str:
    return (f"Coronal curve: {curve.upper_end_vertebra} to {curve.lower_end_vertebra}, apex {curve.apex_vertebra}, "
            f"convex to the {curve.convex_side}")


def _quality_line(result: Result) -> str:
    quality = result.quality
    total = quality.accepted_frames + quality.rejected_frames
    line = f"Quality: {quality.accepted_frames} of {total} frames accepted"
    reasons = [f"{count} {reason} ({_WHY.get(reason, reason)})" for reason, count in quality.refusals.items()]
    return line + (f"; left out: {'; '.join(reasons)}" if reasons else "")


def _repeat_line(result: Result) -> list[str]:
    labels = ANGLE_LABELS | {"cobb_major": "Coronal Cobb, major"}
    wanting = ", ".join(labels[name] for name in result.quality.repeat)
    return [f"REPEAT THE SCAN: too uncertain: {wanting}"] if wanting else []


def _contradicted_line(result: Result) -> list[str]:
    read = result.quality.reread_deg
    shown = ", ".join(f"{ANGLE_LABELS[name]} {read[name]:.0f}" for name in result.quality.contradicted)
    return [f"The radiograph shows otherwise, degrees: {shown}"] if shown else []


def _model_line(result: Result, with_truth: bool) -> list[str]:
    model = result.model
    lines = [f"Model: {model.name} {model.version}, {model.precision}, {model.runtime}; trained on {model.trained_on}"]
    if with_truth:
        lines.append("The true angles are those of truth.json beside the recording.")
    return lines
