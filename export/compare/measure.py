"""Runs contenders on the same views, one after the other on each, and gathers differences from the first and times."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.measure.angles import sagittal_angles
from edge.measure.coronal import cobb_major
from edge.runtime.bundle import Bundle
from edge.runtime.manifest import INTERVAL_NAMES
from edge.runtime.runner import Tensors

QUANTILES: Final = (0.5, 0.95, 0.99)
"""Of a tensor's absolute differences, over all values of all views."""
BINS: Final = 4096
"""A tensor's differences are kept as a histogram on a logarithmic axis from ``SMALLEST`` to 1 of the range."""
SMALLEST: Final = 1e-9


@dataclass
class TensorErrors:
    """Absolute differences of one output as shares of the reference's range in that view."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS + 1, np.int64))
    total: float = 0.0
    worst: float = 0.0

    def add(self, want: NDArray[np.float32], got: NDArray[np.float32]) -> None:
        """Take in one view."""
        spread = max(float(np.ptp(want)), 1e-12)
        off = np.abs(got.astype(np.float64) - want).ravel() / spread
        self.total += float(off.sum())
        self.worst = max(self.worst, float(off.max()))
        place = np.clip(np.log(np.maximum(off, SMALLEST) / SMALLEST) / -np.log(SMALLEST) * BINS, 0, BINS)
        self.counts += np.bincount(np.ceil(place).astype(int), minlength=BINS + 1)

    @property
    def mean(self) -> float:
        """Mean difference."""
        return self.total / max(int(self.counts.sum()), 1)

    def quantile(self, share: float) -> float:
        """Difference that ``share`` of the values do not exceed, to half a per cent of itself."""
        index = int(np.searchsorted(np.cumsum(self.counts), share * self.counts.sum()))
        return 0.0 if index == 0 else min(SMALLEST ** (1 - index / BINS), self.worst)


@dataclass
class Comparison:
    """One contender against the first. angles_deg, reference_deg: per recording and angle, median over its views."""

    name: str
    tensors: dict[str, TensorErrors] = field(default_factory=dict)
    view_drift_deg: list[NDArray[np.float64]] = field(default_factory=list)
    scan_drift_deg: list[NDArray[np.float64]] = field(default_factory=list)
    run_ms: list[float] = field(default_factory=list)

    @property
    def p50_ms(self) -> float:
        """Median time of the two bare stages."""
        return float(np.median(self.run_ms))


@dataclass(frozen=True)
class Compared:
    """comparisons: of all contenders; the first is the reference (its differences are nought)."""

    comparisons: list[Comparison]
    recordings: int
    views: int


def angles_deg(endplates_mm: NDArray[np.float32]) -> NDArray[np.float64]:
    """(37, 4, 3) -> angles in the order of ``INTERVAL_NAMES``, degrees."""
    spine = endplates_mm.astype(np.float64)
    angles = sagittal_angles(spine) | {"cobb_major": cobb_major(spine).value_deg}
    return np.array([angles[name] for name in INTERVAL_NAMES])


def compare(names: Sequence[str], bundles: Sequence[Bundle],
            scans: Iterable[Iterable[Mapping[str, NDArray[np.float32]]]]) -> Compared:
    """Compare bundles on scans, each of which gives the stage-1 inputs of its accepted frames.

    Raises:
        BundleError: a model failed.
    """
    table = [Comparison(name) for name in names]
    recordings = views = 0
    for scan in scans:
        angles: list[list[NDArray[np.float64]]] = [[] for _ in bundles]
        for view in scan:
            if not views:  # threads start and caches fill before the clock counts
                for bundle in bundles:
                    bundle.run(view)
            outputs = [_timed(bundle, view, entry) for bundle, entry in zip(bundles, table, strict=True)]
            for entry, output, mine in zip(table, outputs, angles, strict=True):
                mine.append(angles_deg(output["endplates_mm"][0]))
                entry.view_drift_deg.append(np.abs(mine[-1] - angles[0][-1]))
                for name in sorted(set(output) & set(outputs[0])):
                    entry.tensors.setdefault(name, TensorErrors()).add(outputs[0][name], output[name])
            views += 1
        if angles[0]:
            recordings += 1
            medians = [np.median(mine, axis=0) for mine in angles]
            for entry, median in zip(table, medians, strict=True):
                entry.scan_drift_deg.append(np.abs(median - medians[0]))
    return Compared(table, recordings, views)


def _timed(bundle: Bundle, view: Mapping[str, NDArray[np.float32]], entry: Comparison) -> Tensors:
    start = time.perf_counter()
    outputs, _ = bundle.run(view)
    entry.run_ms.append((time.perf_counter() - start) * 1e3)
    return outputs
