"""The errors of every shared tensor in one pass, and what one of them alone costs in degrees.

Errors do not grow evenly along a graph (a normalisation may hide one, a softmax may blow one up), so a binary search
could miss the first; exposing a few dozen megabytes of tensors at a time finds them all with a few runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx

from export.bisect.executors import EXECUTORS, Arrays
from export.bisect.graph import Point, expose, spliced
from export.engine.degrees import angles_of

CHUNK_BYTES: Final = 48 << 20
"""Tensors exposed at once; more would be kept in memory twice, and fewer fusions would be left."""


@dataclass(frozen=True)
class Side:
    """One of the two: its file and who runs it, a key of ``EXECUTORS``."""

    model: onnx.ModelProto
    runner: str


@dataclass(frozen=True)
class Deviation:
    """Largest and mean difference over the views, as a share of A's range of that tensor."""

    point: Point
    worst: float
    mean: float


def deviations(a: Side, b: Side, points: Sequence[Point], views: Sequence[Arrays],
               on_chunk: Callable[[int], None] | None = None) -> list[Deviation]:
    """Every point's error, in the order of the points.

    Args:
        views: inputs of the stage. on_chunk: told how many points are done.

    Raises:
        BundleError, MissingDependencyError: a file cannot be run.
    """
    found: list[Deviation] = []
    for chunk in _chunks(points):
        names = [point.tensor for point in chunk]
        runs = [EXECUTORS[side.runner](expose(side.model, names), names) for side in (a, b)]
        errors = np.zeros((len(views), len(names), 2))
        for v, view in enumerate(views):
            ours, theirs = (run(view) for run in runs)
            errors[v] = [_error(ours[name], theirs[name]) for name in names]
        found += [Deviation(point, float(errors[:, i, 0].max()), float(errors[:, i, 1].mean()))
                  for i, point in enumerate(chunk)]
        if on_chunk is not None:
            on_chunk(len(found))
    return found


def splice_deg(a: Side, b: Side, tensor: str, views: Sequence[Arrays]) -> float:
    """Degrees by which A's angles move (worst angle and view) where B's value of one tensor takes the place of A's."""
    alone = EXECUTORS[b.runner](expose(b.model, [tensor]), [tensor])
    whole = EXECUTORS[a.runner](expose(a.model, ["endplates_mm"]), ["endplates_mm"])
    with_b = None
    worst = 0.0
    for view in views:
        value = alone(view)[tensor].astype(np.float32)
        if with_b is None:
            output = "endplates_mm__out" if tensor == "endplates_mm" else "endplates_mm"
            with_b = EXECUTORS[a.runner](spliced(a.model, tensor, value.shape), [output])
        moved = next(iter(with_b({**view, tensor: value}).values()))
        worst = max(worst, float(np.abs(angles_of(moved) - angles_of(whole(view)["endplates_mm"])).max()))
    return worst


def _error(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:  # type: ignore[type-arg]
    if ours.shape != theirs.shape:
        return float("inf"), float("inf")
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    if not np.isfinite(difference).all():
        return float("inf"), float("inf")
    if difference.size == 0:
        return 0.0, 0.0
    # A tensor that hardly varies is measured by its size, else rounding of a constant would count as everything.
    span = max(float(np.ptp(ours)), 1e-3 * float(np.abs(ours).max()), 1e-12)
    return float(difference.max() / span), float(difference.mean() / span)


def _chunks(points: Sequence[Point]) -> Iterator[list[Point]]:
    chunk: list[Point] = []
    for point in points:
        if chunk and sum(p.bytes for p in chunk) + point.bytes > CHUNK_BYTES:
            yield chunk
            chunk = []
        chunk.append(point)
    if chunk:
        yield chunk
