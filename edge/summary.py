"""What the accepted frames of a scan say together, as one more measurement: of their mean view, or their middle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ANGLE_NAMES
from edge.measure.coronal import cobb_major
from edge.order import pseudomedian
from edge.pipeline import Measurements
from edge.view.back_view import BackView
from edge.view.mean_view import mean_view

Summary = Callable[[Sequence[Measurements]], Measurements]
"""One measurement of at least one accepted frame of a scan; its time and number are those of one of them."""


def middle(kept: Sequence[Measurements]) -> Measurements:
    """The pseudomedian of landmarks and angles, with the doubt in the middle and the picture of the frame next to it.

    The Cobb angle and its end vertebrae are those of the middle landmarks: a maximum over pairs would only collect the
    frames' noise.
    """
    landmarks = np.stack([m.endplates_mm for m in kept])
    angles = np.array([[m.angles_deg[name] for name in ANGLE_NAMES] for m in kept])
    endplates, angles_deg = pseudomedian(landmarks), pseudomedian(angles)
    closest = kept[_closest(landmarks - endplates, angles - angles_deg)]
    return replace(
        closest,
        endplates_mm=endplates,
        angles_deg=dict(zip(ANGLE_NAMES, map(float, angles_deg), strict=True)),
        cobb=cobb_major(endplates),
        angle_sd_deg={name: float(np.median([m.angle_sd_deg[name] for m in kept])) for name in closest.angle_sd_deg},
        endplates_sd_mm=np.median([m.endplates_sd_mm for m in kept], axis=0),
    )


def on_mean_view(measure: Callable[[BackView], Measurements]) -> Summary:
    """What ``measure`` says of the mean of the frames' back views."""

    def summary(kept: Sequence[Measurements]) -> Measurements:
        return measure(mean_view([m.view for m in kept])) if len(kept) > 1 else kept[0]

    return summary


def _closest(off_mm: NDArray[np.float64], off_deg: NDArray[np.float64]) -> int:
    """The frame whose radiograph is shown: it lies beside the scan's angles, and the scan's line is drawn on it.

    Args:
        off_mm: (F, 37, 4, 3) landmarks less the fused ones. off_deg: (F, A) angles less the fused ones; a degree
            counts as much as a millimetre.
    """
    distance = (off_mm**2).sum(axis=-1).mean(axis=(1, 2)) + (off_deg**2).mean(axis=1)
    return int(np.argmin(distance))
