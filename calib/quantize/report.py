"""What was decided and why: a table for the terminal, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calib.quantize.decide import LIMITS, UNITS, Decision
from edge.cli.table import aligned


def table(decisions: Sequence[Decision]) -> str:
    """Every layer that was a candidate, then every layer that stayed wide by reason."""
    parts = []
    for decision in decisions:
        unit = UNITS[decision.stage]
        rows = [[f"{decision.stage} {decision.form}", "FP32 ms", "INT8 ms", f"alone, {unit}", "worst", "precision"]]
        for fact in decision.facts:
            if fact.time is not None:
                drift = [f"{fact.alone.mean:.4f}", f"{fact.alone.worst:.3f}"] if fact.alone else ["-", "-"]
                rows.append([fact.layer.name, f"{fact.time.fp32_ms:.3f}", f"{fact.time.int8_ms:.3f}", *drift,
                             "wider" if fact.wider else "INT8"])
        tried = ", ".join(f"{name} {drift.mean:.4f}" for name, drift in decision.methods.items())
        mean, worst = LIMITS[decision.stage]
        parts += [*aligned(rows), "", f"ranges by {decision.method} (all candidates: {tried} {unit})",
                  f"{len(decision.narrow)} of {len(decision.facts)} layers in INT8: drift {decision.drift.mean:.4f}, "
                  f"worst {decision.drift.worst:.3f} {unit} (limits {mean:g}, {worst:g})", *_by_reason(decision), ""]
    return "\n".join(parts)


def as_json(decisions: Sequence[Decision], about: dict[str, Any]) -> dict[str, Any]:
    """Everything that was measured."""
    return about | {"stages": [
        {
            "stage": d.stage, "form": d.form, "unit": UNITS[d.stage], "limits": list(LIMITS[d.stage]),
            "ranges": d.method, "ranges_tried": {n: {"mean": v.mean, "worst": v.worst} for n, v in d.methods.items()},
            "drift": {"mean": d.drift.mean, "worst": d.drift.worst,
                      "by_angle": {n: {"mean": m, "worst": w} for n, (m, w) in d.drift.by_angle.items()}},
            "layers": [
                {
                    "layer": f.layer.name, "op": f.layer.op, "int8": not f.wider, "why_wider": f.wider,
                    "fp32_ms": f.time.fp32_ms if f.time else None, "int8_ms": f.time.int8_ms if f.time else None,
                    "alone_mean": f.alone.mean if f.alone else None, "alone_worst": f.alone.worst if f.alone else None,
                }
                for f in d.facts
            ],
        }
        for d in decisions
    ]}


def _by_reason(decision: Decision) -> list[str]:
    """Layers that stayed wide, gathered by reason; reasons with a number of their own one by one."""
    gathered: dict[str, list[str]] = {}
    for layer, why in decision.wider.items():
        gathered.setdefault(why.partition(":")[0] if why.startswith("INT8 is no faster") else why, []).append(layer)
    return [f"wider, {why}: {', '.join(names)}" for why, names in gathered.items()]
