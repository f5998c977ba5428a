"""What evaluations measured, as a section of a model card: every angle beside the best of the other predictors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from edge.errors import UsageError
from export.evaluate.predictors import MODEL, MODEL_ONE_OUT
from export.evaluate.report import SCHEMA
from export.evaluate.sections import LABELS

HEADING: Final = "## Measured through the device's whole path"
_NEXT: Final = "\n## "
_HEAD: Final = ("angle", "error", "95 % CI", "bias", "SD", "limits of agreement", "ICC", "r", "in 90 % interval",
                "best other predictor")


def read_evaluation(path: Path) -> dict[str, Any]:
    """What ``latx-export evaluate --json`` wrote.

    Raises:
        UsageError: no such file, or not one of these.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("this evaluation cannot be read", where=str(path), expected="latx-export evaluate --json FILE",
                         found=str(error)) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise UsageError("this is no evaluation", where=str(path), expected=f"schema {SCHEMA}", found=str(schema),
                         mend="run latx-export evaluate --json again")
    return dict(found)


def with_evaluations(card: str, evaluations: Sequence[Mapping[str, Any]]) -> str:
    """The card with these evaluations before its limits, in place of those that it had."""
    start = card.find(HEADING)
    if start >= 0:
        end = card.find(_NEXT, start + len(HEADING))
        card = card[:start] + card[end + 1 :]
    limits = card.index("## Limits")
    return card[:limits] + evaluation_text(evaluations) + "\n" + card[limits:]


def evaluation_text(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: a table per evaluation, degrees, and what was refused, read back and found."""
    parts = [HEADING, "Degrees; recording to angles, as on a device, of subjects that were not trained on."]
    return "\n\n".join([*parts, *(_one(evaluation) for evaluation in evaluations)]) + "\n"


def _one(evaluation: Mapping[str, Any]) -> str:
    answered = sum(not case["refusal"] for case in evaluation["cases"])
    lines = [f"### {evaluation['title']}", "",
             f"{answered} of {len(evaluation['cases'])} subjects with a result, the others refused by name.", "",
             f"| {' | '.join(_HEAD)} |", "|" + "---|" * len(_HEAD)]
    lines += [_row(angle, evaluation["scores"]) for angle in evaluation["angles"]]
    told = [*_one_out(evaluation["scores"]), *_screening(evaluation["screening"]),
            *_repeated(evaluation["repeatability_sd_deg"]), *_pictures(evaluation)]
    return "\n".join([*lines, "", *(f"- {line}" for line in told)]).rstrip()


def _row(angle: str, scores: Sequence[Mapping[str, Any]]) -> str:
    own = next(s for s in scores if s["angle"] == angle and s["predictor"] == MODEL)
    others = [s for s in scores if s["angle"] == angle and s["predictor"] not in (MODEL, MODEL_ONE_OUT)]
    best = min(others, key=lambda s: float(s["mae_deg"]), default=None)
    low, high = own["ci95"]["mae_deg"]
    held = own["share_in_interval"]
    return "| " + " | ".join([
        LABELS[angle], f"{own['mae_deg']:.2f}", f"{low:.2f} to {high:.2f}", f"{own['bias_deg']:+.2f}",
        f"{own['sd_deg']:.2f}", f"{own['low_deg']:+.1f} to {own['high_deg']:+.1f}",
        _known(own["icc"]), _known(own["r"]),
        "-" if held is None else f"{100 * held:.0f} %",
        "-" if best is None else f"{best['mae_deg']:.2f}, {best['predictor']}",
    ]) + " |"


def _known(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _one_out(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    told = ", ".join(f"{LABELS[s['angle']]} {s['mae_deg']:.2f}" for s in scores if s["predictor"] == MODEL_ONE_OUT)
    return [f"With a line fitted on the other subjects of the set, error: {told}."] if told else []


def _screening(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"Cobb angle of {row['threshold_deg']:.0f} or more ({row['with_curve']} with, {row['without']} without): "
            f"sensitivity {100 * row['sensitivity']:.0f} %, specificity {100 * row['specificity']:.0f} %, "
            f"area under the ROC curve {row['area']:.2f}." for row in rows if row["with_curve"] and row["without"]]


def _repeated(sd_deg: Mapping[str, Any]) -> list[str]:
    own = sd_deg.get("all", {})
    told = ", ".join(f"{LABELS[name]} {value:.2f}" for name, value in own.items() if name in LABELS)
    return [f"Ten scans of one standing differ with a standard deviation of: {told}."] if told else []


def _pictures(evaluation: Mapping[str, Any]) -> list[str]:
    told = []
    for name, label in (("radiograph", "Radiographs"), ("radiograph_pix2pix", "Those of a plain U-Net (pix2pix)")):
        if film := evaluation[name]:
            told.append(f"{label} against the phantom's, {film['subjects']:.0f} subjects: "
                        f"PSNR {film['psnr_db']:.1f} dB, SSIM {film['ssim']:.3f}, MS-SSIM {film['ms_ssim']:.3f}.")
    if read := evaluation["reread"]:
        off = ", ".join(f"{LABELS[name]} {value:.1f}" for name, value in read["median_deg"].items())
        told.append(f"Read back off the radiographs, median difference from the landmarks' angles: {off}, "
                    f"all together {read['median_of_all_deg']:.1f}; "
                    f"{100 * read['flagged_share']:.0f} % of the scans are flagged.")
    return told
