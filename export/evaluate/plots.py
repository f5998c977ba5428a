"""An evaluation as pictures: Bland-Altman, scatter, ROC, and how well intervals keep what they promise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge.errors import MissingDependencyError, OutputError
from export.evaluate.case import Case
from export.evaluate.score import score
from export.evaluate.screening import THRESHOLDS_DEG, roc
from export.evaluate.sections import LABELS, SHOWN

FILES: Final = ("bland-altman.png", "scatter.png", "roc.png", "intervals.png")
LEVELS: Final = np.arange(0.1, 1.0, 0.05)
"""Nominal coverages at which intervals are looked at."""
_INK, _SOFT, _ACCENT = "#1c2733", "#8a97a6", "#d9822b"


def write_plots(cases: Sequence[Case], folder: Path, title: str) -> list[Path]:
    """Write every plot of ``FILES``; returns their paths.

    Raises:
        MissingDependencyError: matplotlib is not installed. OutputError: the folder cannot be written.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise MissingDependencyError("plots need matplotlib", expected="matplotlib", found="nothing",
                                     mend="pip install 'latxgen-edge[export]'") from error
    answered = [case for case in cases if case.answered]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, draw in zip(FILES, (_bland_altman, _scatter, _roc, _intervals), strict=True):
            panels, size = (2, (10, 8.4)) if draw in (_bland_altman, _scatter) else (1, (6, 5.4))
            figure, axes = pyplot.subplots(panels, panels, figsize=size, constrained_layout=True)
            draw(axes, answered)
            figure.suptitle(f"{title}; {len(answered)} subjects", fontsize=10, color=_SOFT)
            figure.savefig(folder / name, dpi=110)
            pyplot.close(figure)
    except OSError as error:
        raise OutputError("cannot write the plots", where=str(folder), expected="a writable folder",
                          found=error.strerror or str(error)) from error
    return [folder / name for name in FILES]


def _pairs(cases: Sequence[Case], name: str) -> tuple[np.ndarray, np.ndarray]:
    known = [(c.predicted_deg[name], c.true_deg[name]) for c in cases if name in c.predicted_deg and name in c.true_deg]
    both = np.array(known, np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _bland_altman(axes: Any, cases: Sequence[Case]) -> None:
    for panel, name in zip(axes.ravel(), SHOWN, strict=True):
        measured, true = _pairs(cases, name)
        found = score(measured, true)
        if found is None:
            continue
        panel.scatter((measured + true) / 2, measured - true, s=9, color=_INK, alpha=0.5, linewidths=0)
        for value, style in ((found.bias_deg, "-"), (found.low_deg, "--"), (found.high_deg, "--")):
            panel.axhline(value, color=_ACCENT, linestyle=style, linewidth=1.2)
            panel.annotate(f"{value:+.1f}", (1.0, value), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                           color=_ACCENT, fontsize=8)
        panel.set(title=LABELS[name], xlabel="mean of both, degrees", ylabel="measured - true, degrees")


def _scatter(axes: Any, cases: Sequence[Case]) -> None:
    for panel, name in zip(axes.ravel(), SHOWN, strict=True):
        measured, true = _pairs(cases, name)
        found = score(measured, true)
        if found is None:
            continue
        low, high = min(measured.min(), true.min()) - 2, max(measured.max(), true.max()) + 2
        panel.plot([low, high], [low, high], color=_ACCENT, linewidth=1.0)
        panel.scatter(true, measured, s=9, color=_INK, alpha=0.5, linewidths=0)
        panel.set(title=f"{LABELS[name]}: MAE {found.mae_deg:.1f}, r {found.r:.2f}", xlabel="true, degrees",
                  ylabel="measured, degrees", xlim=(low, high), ylim=(low, high))
        panel.set_aspect("equal")


def _roc(axis: Any, cases: Sequence[Case]) -> None:
    measured, true = _pairs(cases, "cobb_major")
    axis.plot([0, 1], [0, 1], color=_SOFT, linewidth=0.8, linestyle=":")
    for threshold, colour in zip(THRESHOLDS_DEG, (_INK, _ACCENT), strict=True):
        has = true >= threshold
        if not has.any() or has.all():
            continue
        false_share, true_share, _ = roc(measured, has)
        area = float(np.sum(np.diff(false_share) * (true_share[1:] + true_share[:-1]) / 2))
        axis.plot(false_share, true_share, color=colour, label=f"Cobb >= {threshold:.0f} deg, area {area:.3f}")
        found = measured >= threshold
        axis.plot((found & ~has).sum() / (~has).sum(), (found & has).sum() / has.sum(), "o", color=colour)
    axis.set(xlabel="1 - specificity", ylabel="sensitivity", title="Finding curves; the dot: the same angle as cut",
             xlim=(0, 1), ylim=(0, 1.01))
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="lower right", frameon=False)


def _intervals(axis: Any, cases: Sequence[Case]) -> None:
    from statistics import NormalDist

    axis.plot([0, 1], [0, 1], color=_SOFT, linewidth=0.8, linestyle=":")
    for name, short in SHOWN.items():
        known = [c for c in cases if name in c.interval_deg and name in c.true_deg]
        if not known:
            continue
        # The device's interval is one of 90 %: others scale with the quantiles of a normal distribution.
        off = np.array([abs(c.true_deg[name] - c.predicted_deg[name])
                        / max((c.interval_deg[name][1] - c.predicted_deg[name]), 1e-6) for c in known])
        factor = np.array([NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS]) / NormalDist().inv_cdf(0.95)
        axis.plot(LEVELS, [(off <= f).mean() for f in factor], label=short)
    axis.axvline(0.9, color=_SOFT, linewidth=0.8)
    axis.set(xlabel="promised share", ylabel="share held", title="Do intervals hold what they promise?", xlim=(0, 1),
             ylim=(0, 1))
    axis.legend(loc="upper left", frameon=False)
