"""What a calibration view must be: complete, of the stage's shapes, finite, and saying something.

Ranges come from these numbers alone, so a view that is empty, broken or flat would make every scan worse, unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError
from edge.runtime.runner import TensorSpec

MIN_VIEWS: Final = 64
"""Fewer views do not show how far activations reach."""

View = dict[str, NDArray[np.float32]]
"""Every input of both stages by name, float32, batch 1."""


def check_view(view: Mapping[str, NDArray[np.float32]], specs: Mapping[str, TensorSpec], where: str) -> None:
    """Hold one view against the stages' inputs.

    Raises:
        UsageError: a tensor is missing or too many, has another size or type, is not finite, or is constant.
    """
    mend = "collect the set again with latx-calib collect"
    if set(view) != set(specs):
        raise UsageError("a calibration view does not hold the stages' inputs", where=where,
                         expected=", ".join(sorted(specs)), found=", ".join(sorted(view)) or "nothing", mend=mend)
    for name, spec in specs.items():
        array = view[name]
        if array.shape != spec.shape or array.dtype != np.dtype(spec.dtype):
            raise UsageError("a calibration view has another size", where=where, expected=str(spec),
                             found=f"{name} {array.dtype}{list(array.shape)}", mend=mend)
        if not np.isfinite(array).all():
            raise UsageError("a calibration view holds NaN or infinity", where=where, expected=f"finite {name}",
                             found=f"{int((~np.isfinite(array)).sum())} of {array.size} not finite", mend=mend)
        if array.min() == array.max():
            raise UsageError("a calibration view is constant", where=where, expected=f"{name} that varies",
                             found=f"{float(array.flat[0]):g} everywhere", mend=mend)


def check_count(distinct: int, where: str) -> None:
    """Refuse a set that is too small.

    Raises:
        UsageError: fewer than ``MIN_VIEWS`` distinct views.
    """
    if distinct < MIN_VIEWS:
        raise UsageError("too few calibration views", where=where, expected=f"at least {MIN_VIEWS} different ones",
                         found=str(distinct), mend="give more recordings, or more --frames of each")
