"""A picture of the layers: what each does to the result alone in INT8, and what it saves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calib.quantize.decide import UNITS, Decision

COLOURS = {"INT8": "#2a78b5", "stayed wider": "#c2571a"}


def write_picture(decisions: Sequence[Decision], path: Path) -> None:
    """One column of bars per stage and form: drift alone to the right, layers in the graph's order."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Rectangle

    shown = [(d, [f for f in d.facts if f.alone is not None]) for d in decisions]
    tallest = max(1, *(len(facts) for _, facts in shown))
    figure, axes = pyplot.subplots(1, len(shown), figsize=(5.2 * len(shown), 1.6 + 0.19 * tallest), squeeze=False)
    for axis, (decision, facts) in zip(axes[0], shown, strict=True):
        values = [f.alone.mean for f in facts if f.alone]
        colours = [COLOURS["stayed wider" if f.wider else "INT8"] for f in facts]
        axis.barh(range(len(facts)), values, color=colours)
        axis.set_yticks(range(len(facts)), [f.layer.name for f in facts], fontsize=6.5)
        axis.set_ylim(tallest - 0.4, -0.6)
        axis.set_xlabel(f"drift of this layer alone in INT8, {UNITS[decision.stage]}", fontsize=8)
        axis.set_title(f"{decision.stage}, {decision.form}: {len(decision.narrow)} INT8 layers,\n"
                       f"together {decision.drift.mean:.3g} {UNITS[decision.stage]}", fontsize=9)
        axis.tick_params(axis="x", labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()]
    figure.legend(handles, COLOURS, loc="lower right", fontsize=8, ncols=2, frameon=False)
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
