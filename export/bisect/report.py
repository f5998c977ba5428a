"""What a bisection found, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge.cli.table import aligned
from export.bisect.search import Deviation


@dataclass(frozen=True)
class Finding:
    """A whole bisection. degrees: by tensor, where stage 1 was bisected; total_deg: of A's and B's own angles."""

    stage: str
    a: str
    b: str
    views: int
    tolerance: float
    deviations: Sequence[Deviation]
    degrees: dict[str, float]
    total_deg: float | None

    @property
    def first(self) -> Deviation | None:
        """The first node out of tolerance."""
        return next((d for d in self.deviations if not d.worst <= self.tolerance), None)

    def notable(self, count: int) -> list[Deviation]:
        """The first one out of tolerance, then those where the error jumps most from one shared tensor to the next."""
        before = [0.0, *(d.worst for d in self.deviations)]
        jumps = sorted(zip(self.deviations, before, strict=False), key=lambda pair: pair[1] - pair[0].worst)
        first = [self.first] if self.first is not None else []
        return [*first, *[d for d, _ in jumps if d is not self.first]][:count]


def finding_text(finding: Finding, rows: int) -> str:
    """Printable text."""
    lines = [f"Stage {finding.stage}: {finding.a} against {finding.b}, {len(finding.deviations)} shared tensors, "
             f"{finding.views} views"]
    if finding.total_deg is not None:
        lines.append(f"Angles of the two apart by at most {finding.total_deg:.3f} degrees")
    first = finding.first
    if first is None:
        worst = max(finding.deviations, key=lambda d: d.worst)
        lines.append(f"Every node is within {finding.tolerance:g} of its range; worst {worst.worst:.2g} at "
                     f"{worst.point.op} {worst.point.node}")
    else:
        cost = finding.degrees.get(first.point.tensor)
        lines.append(f"First node out of tolerance: {first.point.op} {first.point.node} (node {first.point.index}, "
                     f"tensor {first.point.tensor}): {first.worst:.3g} of its range, tolerance {finding.tolerance:g}"
                     + ("" if cost is None else f"; its value alone moves the angles by {cost:.3f} degrees"))
    table = [["Node", "op", "worst", "mean", "degrees"]]
    for d in finding.notable(rows):
        cost = finding.degrees.get(d.point.tensor)
        table.append([_short(d.point.node), d.point.op, f"{d.worst:.2e}", f"{d.mean:.2e}",
                      "-" if cost is None else f"{cost:.3f}"])
    note = "Errors are shares of a tensor's range in A. Degrees: A's angles with B's value of this one tensor."
    if finding.total_deg is None:
        note = "Errors are shares of a tensor's range in A. Stage 2 does not touch the angles."
    return "\n".join([*lines, "", *aligned(table), "", note])


def finding_json(finding: Finding) -> dict[str, Any]:
    """Plain values."""
    def plain(d: Deviation) -> dict[str, Any]:
        return {**asdict(d.point), "worst": d.worst, "mean": d.mean, "degrees": finding.degrees.get(d.point.tensor)}

    return {"stage": finding.stage, "a": finding.a, "b": finding.b, "views": finding.views,
            "tolerance": finding.tolerance, "total_deg": finding.total_deg,
            "first": None if finding.first is None else plain(finding.first),
            "deviations": [plain(d) for d in finding.deviations]}


def _short(name: str, width: int = 44) -> str:
    return name if len(name) <= width else f"...{name[3 - width:]}"
