"""The parts of an evaluation beside the errors themselves: each is values for a program and a table for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from edge.cli.table import aligned
from edge.measure.angles import ANGLE_LABELS
from edge.measure.reading import CHECKED, LIMIT_DEG
from edge.runtime.manifest import INTERVAL_NAMES
from export.evaluate.case import Case
from export.evaluate.groups import GROUPINGS
from export.evaluate.landmark_error import landmark_errors
from export.evaluate.screening import THRESHOLDS_DEG, screening

LABELS: Final = ANGLE_LABELS | {"cobb_major": "Coronal Cobb, major"}
SHOWN: Final = {"thoracic_kyphosis_t4_t12": "TK", "lumbar_lordosis_l1_s1": "LL", "sacral_slope": "SS",
                "cobb_major": "Cobb"}
"""Angles that the breakdowns show; the JSON has all of them."""


def screening_values(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Sensitivity, specificity and ROC of the Cobb angle at each clinical threshold."""
    measured = [c.predicted_deg.get("cobb_major", np.nan) for c in cases]
    true = [c.true_deg.get("cobb_major", np.nan) for c in cases]
    return [screening(measured, true, threshold).as_json() for threshold in THRESHOLDS_DEG]


def screening_text(values: Sequence[dict[str, Any]]) -> list[str]:
    """One line per threshold."""
    rows = [["Cobb at or above", "with", "without", "sensitivity", "specificity", "ROC area", "best cut", "sens.",
             "spec."]]
    for v in values:
        rows.append([f"{v['threshold_deg']:.0f} deg", str(v["with_curve"]), str(v["without"]),
                     *(_share(v[k]) for k in ("sensitivity", "specificity")), _plain(v["area"], 3),
                     _plain(v["best_cut_deg"], 1), *(_share(v[k]) for k in ("best_sensitivity", "best_specificity"))])
    return aligned(rows)


def interval_values(cases: Sequence[Case], tier: bool = False) -> dict[str, dict[str, dict[str, float]]]:
    """Coverage and mean width of the intervals, over all and by BMI and Cobb third: group, angle, values.

    tier: of those that were calibrated on the subjects' own tier, in place of the device's; empty where none were.
    """
    if tier:
        cases = [c.model_copy(update={"interval_deg": c.tier_interval_deg}) for c in cases if c.tier_interval_deg]
        if not cases:
            return {}
    table = {"all": _coverage(cases)}
    for grouping in GROUPINGS:
        if grouping.title.startswith(("BMI", "Cobb")):
            for label, own in grouping.groups(cases).items():
                table[f"{grouping.title} {label}"] = _coverage(own)
    return table


def interval_text(values: dict[str, dict[str, dict[str, float]]], title: str) -> list[str]:
    """Coverage in per cent and mean width in degrees."""
    rows = [[title, *SHOWN.values()]]
    for label, by_angle in values.items():
        rows.append([label, *(
            f"{100 * v['coverage']:.0f} %, {v['width_deg']:.0f}" if (v := by_angle.get(name)) else "-"
            for name in SHOWN)])
    return aligned(rows)


def breakdown_values(cases: Sequence[Case]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean absolute error, degrees: grouping -> group -> angle, with the number of subjects."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for grouping in GROUPINGS:
        groups = grouping.groups(cases)
        if len(groups) > 1:
            table[grouping.title] = {label: _errors(own) for label, own in groups.items()}
    return table


def breakdown_text(values: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """MAE of the shown angles by group."""
    rows = [["MAE by group, degrees", "subjects", *SHOWN.values()]]
    for title, groups in values.items():
        for label, errors in groups.items():
            rows.append([f"{title}: {label}", f"{errors['subjects']:.0f}",
                         *(_plain(errors.get(name), 1) for name in SHOWN)])
    return aligned(rows)


def landmark_text(values: dict[str, dict[str, float]]) -> list[str]:
    """Millimetres by level."""
    rows = [["Landmarks, mm", "distance", "depth", "height", "lateral", "shape alone"]]
    for level, v in values.items():
        rows.append([level, *(f"{v[k]:.1f}" for k in ("distance_mm", "depth_mm", "height_mm", "lateral_mm",
                                                      "shape_mm"))])
    return aligned(rows)


def film_values(cases: Sequence[Case], plain: bool = False) -> dict[str, float]:
    """Means of the radiographs' agreement over the subjects whose radiographs were compared; empty if none.

    plain: of the plain U-Net's radiographs.
    """
    films = [film for case in cases if (film := case.plain_film if plain else case.film)]
    return {name: float(np.mean([f[name] for f in films])) for name in films[0]} | {"subjects": len(films)} \
        if films else {}


def repeatability_values(cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """Standard deviation over repeated scans, degrees, by angle: pooled over all, and by camera.

    Empty where nobody was scanned repeatedly.
    """
    by_camera = {camera: [c for c in cases if c.about.get("camera") == camera]
                 for camera in sorted({str(c.about["camera"]) for c in cases if "camera" in c.about})}
    groups = {"all": list(cases)} | by_camera
    return {group: pooled for group, own in groups.items() if (pooled := _pooled(own))}


def _pooled(cases: Sequence[Case]) -> dict[str, float]:
    repeated = [case.repeats_deg for case in cases if case.repeats_deg]
    if not repeated:
        return {}
    names = [name for name in INTERVAL_NAMES if all(len(r.get(name, ())) > 1 for r in repeated)]
    return {name: float(np.sqrt(np.mean([np.var(r[name], ddof=1) for r in repeated]))) for name in names}


def reread_values(cases: Sequence[Case]) -> dict[str, Any]:
    """How far the radiograph's own angles lie from the landmarks', degrees; empty where none was read."""
    read = [case for case in cases if case.reread_deg and case.predicted_deg]
    if not read:
        return {}
    off = {name: [abs(c.reread_deg[name] - c.predicted_deg[name]) for c in read if name in c.reread_deg]
           for name in CHECKED}
    flagged = [any(abs(c.reread_deg[n] - c.predicted_deg[n]) > LIMIT_DEG for n in CHECKED if n in c.reread_deg)
               for c in read]
    return {"subjects": len(read), "flagged_share": float(np.mean(flagged)),
            "median_deg": {name: float(np.median(v)) for name, v in off.items() if v},
            "median_of_all_deg": float(np.median(np.concatenate(list(off.values()))))}


def section_values(cases: Sequence[Case]) -> dict[str, Any]:
    """Every part, by name; parts about which nothing is known are empty."""
    answered = [case for case in cases if case.answered]
    return {
        "landmarks_mm": landmark_errors(answered), "radiograph": film_values(answered),
        "radiograph_pix2pix": film_values(answered, plain=True),
        "repeatability_sd_deg": repeatability_values(answered), "reread": reread_values(answered),
        "intervals": interval_values(answered), "intervals_of_tier": interval_values(answered, tier=True),
        "screening": screening_values(answered),
        "breakdown_mae_deg": breakdown_values(answered),
        "repeat_asked_share": float(np.mean([bool(c.about.get("repeat_asked")) for c in answered])) if answered else 0,
    }


def section_text(values: dict[str, Any]) -> str:
    """The parts as text, those that are empty left out."""
    parts: list[list[str]] = []
    if values["landmarks_mm"]:
        parts.append(landmark_text(values["landmarks_mm"]))
    films = {who: film for who, part in (("model", "radiograph"), ("pix2pix", "radiograph_pix2pix"))
             if (film := values[part])}
    if films:
        parts.append(aligned([["Radiographs", "subjects", "PSNR, dB", "SSIM", "MS-SSIM", "L1"], *(
            [who, f"{f['subjects']:.0f}", f"{f['psnr_db']:.1f}", *(f"{f[k]:.3f}" for k in ("ssim", "ms_ssim", "l1"))]
            for who, f in films.items())]))
    if repeated := values["repeatability_sd_deg"]:
        parts.append(aligned([["Repeated scans: SD, degrees", *repeated], *(
            [LABELS[name], *(_plain(own.get(name), 2) for own in repeated.values())] for name in repeated["all"])]))
    if read := values["reread"]:
        off = ", ".join(f"{SHOWN[name]} {v:.1f}" for name, v in read["median_deg"].items())
        parts.append([f"Read back off the radiograph over {read['subjects']} subjects: median difference {off}, all "
                      f"{read['median_of_all_deg']:.1f} deg; flagged {100 * read['flagged_share']:.0f} %"])
    parts.append(interval_text(values["intervals"], "90 % intervals: hold, width"))
    if values["intervals_of_tier"]:
        parts.append(interval_text(values["intervals_of_tier"], "calibrated on this tier"))
    parts.append(screening_text(values["screening"]))
    if values["breakdown_mae_deg"]:
        parts.append(breakdown_text(values["breakdown_mae_deg"]))
    return "\n\n".join("\n".join(part) for part in parts)


def _coverage(cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    table = {}
    for name in INTERVAL_NAMES:
        known = [c for c in cases if name in c.interval_deg and np.isfinite(c.true_deg.get(name, np.nan))]
        if known:
            held = [c.interval_deg[name][0] <= c.true_deg[name] <= c.interval_deg[name][1] for c in known]
            width = [c.interval_deg[name][1] - c.interval_deg[name][0] for c in known]
            table[name] = {"coverage": float(np.mean(held)), "width_deg": float(np.mean(width)),
                           "subjects": float(len(known))}
    return table


def _errors(cases: Sequence[Case]) -> dict[str, float]:
    table = {"subjects": float(len(cases))}
    for name in INTERVAL_NAMES:
        off = [abs(c.predicted_deg[name] - c.true_deg[name]) for c in cases
               if name in c.predicted_deg and name in c.true_deg]
        if off:
            table[name] = float(np.mean(off))
    return table


def _plain(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"
