"""librealsense's own post-processing of depth, as a table in the order that its documentation gives.

Smoothing works in disparity, where stereo noise does not grow with distance; holes are filled last, if at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from edge.camera.settings import FilterSettings


def _decimation(rs: Any, settings: FilterSettings) -> Any:
    block = rs.decimation_filter()
    block.set_option(rs.option.filter_magnitude, settings.decimation)
    return block


def _threshold(rs: Any, settings: FilterSettings) -> Any:
    block = rs.threshold_filter()
    block.set_option(rs.option.min_distance, settings.min_m)
    block.set_option(rs.option.max_distance, settings.max_m)
    return block


Wanted = Callable[[FilterSettings], bool]
Make = Callable[[Any, FilterSettings], Any]
FILTERS: Final[tuple[tuple[str, Wanted, Make], ...]] = (
    ("decimation", lambda s: s.decimation > 1, _decimation),
    ("threshold", lambda _: True, _threshold),
    ("to_disparity", lambda s: s.spatial or s.temporal, lambda rs, _: rs.disparity_transform(True)),
    ("spatial", lambda s: s.spatial, lambda rs, _: rs.spatial_filter()),
    ("temporal", lambda s: s.temporal, lambda rs, _: rs.temporal_filter()),
    ("to_depth", lambda s: s.spatial or s.temporal, lambda rs, _: rs.disparity_transform(False)),
    ("hole_filling", lambda s: s.hole_filling, lambda rs, _: rs.hole_filling_filter()),
)
IN_DISPARITY: Final = ("to_disparity", "spatial", "temporal", "to_depth")


class DepthFilters:
    """The wanted filters, ready to run.

    Args:
        stereo: the camera tells its baseline; without it there is no disparity, and smoothing is left out.
    """

    def __init__(self, rs: Any, settings: FilterSettings, stereo: bool) -> None:
        chosen = [(n, make) for n, wanted, make in FILTERS if wanted(settings) and (stereo or n not in IN_DISPARITY)]
        self.names = tuple(name for name, _ in chosen)
        self._blocks = [make(rs, settings) for _, make in chosen]

    def process(self, frames: Any) -> Any:
        """A set of frames (or one frame) whose depth went through all filters."""
        for block in self._blocks:
            frames = block.process(frames)
        return frames
