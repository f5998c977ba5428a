"""The major Cobb angle: the largest curve in the coronal plane, with its end vertebrae, apex and side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ENDPLATE_INDEX, LUMBAR, THORACIC, VERTEBRA_INDEX
from edge.measure.tilts import coronal_tilts_deg, vertebral_centres_mm

CURVE_LEVELS: Final = (*THORACIC, *LUMBAR)
"""End vertebrae are looked for among T1..L5."""
MIN_SPAN: Final = 2
"""The end vertebrae lie at least so many levels apart, so that a curve has an apex between them."""

_SUPERIOR = np.array([ENDPLATE_INDEX[v, "superior"] for v in CURVE_LEVELS])
_INFERIOR = np.array([ENDPLATE_INDEX[v, "inferior"] for v in CURVE_LEVELS])
_CENTRES = np.array([VERTEBRA_INDEX[v] for v in CURVE_LEVELS])
_UPPER, _LOWER = np.triu_indices(len(CURVE_LEVELS), k=MIN_SPAN)


@dataclass(frozen=True)
class CobbCurve:
    """One coronal curve. ``convex_side`` is the subject's: "left" or "right"."""

    value_deg: float
    upper_end_vertebra: str
    lower_end_vertebra: str
    apex_vertebra: str
    convex_side: str


def cobb_major(endplates_mm: NDArray[np.floating]) -> CobbCurve:
    """The pair of end vertebrae whose endplates are tilted most against each other (Cobb's method).

    Between the superior endplate of the upper and the inferior endplate of the lower end vertebra, T1..L5. The
    curve is convex to the right where the upper endplate has its right side higher than the lower one. The apex is
    the vertebra between them furthest to the convex side of the line through the centres of the end vertebrae.

    Args:
        endplates_mm: (37, 4, 3), body frame, millimetres.
    """
    tilts = coronal_tilts_deg(endplates_mm)
    differences = tilts[_SUPERIOR[_UPPER]] - tilts[_INFERIOR[_LOWER]]
    pair = int(np.argmax(np.abs(differences)))
    return _curve(endplates_mm, int(_UPPER[pair]), int(_LOWER[pair]), float(differences[pair]))


def cobb_between(endplates_mm: NDArray[np.floating], upper: str, lower: str) -> CobbCurve:
    """The Cobb angle between two given end vertebrae of T1..L5, e.g. to compare like with like.

    Raises:
        ValueError: unknown levels, or less than ``MIN_SPAN`` levels apart.
    """
    i, j = CURVE_LEVELS.index(upper), CURVE_LEVELS.index(lower)
    if j - i < MIN_SPAN:
        raise ValueError(f"end vertebrae {upper} and {lower} are less than {MIN_SPAN} levels apart")
    tilts = coronal_tilts_deg(endplates_mm)
    return _curve(endplates_mm, i, j, float(tilts[_SUPERIOR[i]] - tilts[_INFERIOR[j]]))


def _curve(endplates_mm: NDArray[np.floating], i: int, j: int, difference_deg: float) -> CobbCurve:
    side = 1.0 if difference_deg >= 0 else -1.0
    centres = vertebral_centres_mm(endplates_mm)[_CENTRES[i : j + 1], 1:]
    chord = centres[-1] - centres[0]
    rightward = (centres[:, 1] - centres[0, 1]) * chord[0] - (centres[:, 0] - centres[0, 0]) * chord[1]
    rightward = rightward * np.sign(chord[0])  # distance from the chord to the subject's right, times its length
    apex = 1 + int(np.argmax(side * rightward[1:-1]))
    return CobbCurve(
        value_deg=abs(difference_deg),
        upper_end_vertebra=CURVE_LEVELS[i],
        lower_end_vertebra=CURVE_LEVELS[j],
        apex_vertebra=CURVE_LEVELS[i + apex],
        convex_side="right" if side > 0 else "left",
    )
