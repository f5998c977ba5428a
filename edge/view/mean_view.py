"""The mean of the back views of one scan: the same skin with less of the camera's noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from edge.view.back_view import BackView

KNOWN_SHARE: Final = 0.5
"""A cell of the mean is known where at least this share of the views knows it."""


def mean_view(views: Sequence[BackView]) -> BackView:
    """One back view of several, in the body frame that they share.

    Each view hangs on its own frame's shoulders and mid-line, so a subject that sways does not blur it. Noise of single
    pixels falls with the root of the number of views; what a model reads off a calm surface no averaging of its answers
    to noisy ones gives back, for it learns to trust a noisy furrow less.

    Args:
        views: at least one. Pose, time, number and gates are those of the middle one.
    """
    middle = views[len(views) // 2]
    known = np.stack([view.mask for view in views])
    count = known.sum(axis=0, dtype=np.float32)
    mask = count >= KNOWN_SHARE * len(views)
    total = np.stack([view.surface_x_mm for view in views]).sum(axis=0, where=known)
    surface = np.where(mask, total / np.maximum(count, 1), 0).astype(np.float32)
    coloured = [view.colour for view in views if view.colour is not None]
    colour = None
    if len(coloured) == len(views):
        light = np.stack(coloured).sum(axis=0, dtype=np.float32, where=known[..., None])
        colour = np.where(mask[..., None], np.rint(light / np.maximum(count, 1)[..., None]), 0).astype(np.uint8)
    return replace(middle, surface_x_mm=surface, mask=mask, colour=colour)
