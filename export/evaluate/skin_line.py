"""The angles of the skin's mid-line: what rasterstereography reads off a back, without any knowledge of the spine.

A predictor of spinal angles has to beat these, linearly calibrated, or it has learnt nothing but the skin's curve.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.lift import midline_skin
from edge.measure.centreline import tangent_angles
from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW

SPAN_MM: Final = (35.0, -450.0)
"""Heights above the shoulders between which the line is read: about C7 to the sacrum. Spans adapted to the outline of
each back, and slopes at inflection points sought without a span, followed the true angles no better."""


def skin_line(view: BackView) -> NDArray[np.float64] | None:
    """(N, 3) mid-line of the skin over ``SPAN_MM``, from the top, body frame, mm (z = 0); None where none is seen."""
    skin_x = midline_skin(view)
    if skin_x is None:
        return None
    y = BACK_VIEW.rows_y_mm
    rows = np.flatnonzero((y <= SPAN_MM[0]) & (y >= SPAN_MM[1]))
    return np.stack([skin_x[rows], y[rows], np.zeros(len(rows))], axis=1).astype(np.float64)


def surface_angles(view: BackView) -> tuple[float, float]:
    """Kyphosis and lordosis of the skin's mid-line, degrees: slopes at its inflection points, as on a centreline.

    NaN where no mid-line is seen. The definition is ``edge.measure.centreline.tangent_angles``; rasterstereography
    reads the same slopes (inflection points of the mid-line profile: Drerup and Hierholzer, J Biomech 1987).
    """
    line = skin_line(view)
    return (float("nan"), float("nan")) if line is None else tangent_angles(line)
