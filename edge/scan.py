"""From a camera to the outcomes of its frames: how many are looked at before a scan is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import RecordingError
from edge.fuse import MIN_ACCEPTED, ScanResult, fuse
from edge.measure.reading import read_angles
from edge.pipeline import Measurements, Pipeline
from edge.runtime.bundle import Bundle
from edge.view.gates import Refusal

if TYPE_CHECKING:
    from edge.camera.depth_camera import DepthCamera

PATIENCE: Final = 10
"""A scan looks at no more than so many frames per accepted frame that it wants."""

Outcome = Measurements | Refusal
OnFrame = Callable[[int, Outcome], None]


@dataclass(frozen=True)
class Scan:
    """A fused scan and how long it took, from the first frame asked for to the fused answer."""

    result: ScanResult
    total_ms: float


def scan(camera: DepthCamera, pipeline: Pipeline, frames: int, on_frame: OnFrame | None = None) -> Scan:
    """Look at frames until ``frames`` of them are measured, the recording ends or patience does, and fuse them.

    Args:
        frames: measured frames wanted.
        on_frame: told the running number (from 1) and the outcome of each frame looked at.

    Raises:
        RecordingError: the recording holds no frame, or breaks off within one.
        RefusedError: too few frames are left; see ``edge.fuse.fuse``.
        BundleError: the model failed.
    """
    start = time.perf_counter()
    outcomes: list[Outcome] = []
    measured = 0
    with closing(pipeline.stream(camera.read)) as stream:  # closed before the camera can be
        for outcome in stream:
            outcomes.append(outcome)
            measured += isinstance(outcome, Measurements)
            if on_frame is not None:
                on_frame(len(outcomes), outcome)
            if measured == frames or len(outcomes) == frames * PATIENCE:
                break
    if not outcomes:
        raise RecordingError("the recording holds no frame", where=camera.info.source,
                             expected="at least one depth frame", found="none", mend="record again")
    fused = answer(outcomes, pipeline.bundle, min(MIN_ACCEPTED, frames), camera.info.source)
    return Scan(fused, (time.perf_counter() - start) * 1e3)


def answer(outcomes: Sequence[Outcome], bundle: Bundle, min_accepted: int, source: str) -> ScanResult:
    """The fused scan as the bundle has it: its intervals, and its radiographs read back where there is a reader.

    Raises:
        RefusedError: see ``edge.fuse.fuse``. BundleError: the reader failed.
    """
    manifest = bundle.manifest
    return fuse(outcomes, manifest.interval_scales, min_accepted, source, manifest.interval_model,
                partial(reread, bundle))


def reread(bundle: Bundle, log_attenuation: NDArray[np.float32]) -> dict[str, float]:
    """Angles that the bundle's reader reads off a (512, 256) radiograph, degrees; empty where it has none.

    Raises:
        BundleError: the reader failed.
    """
    if bundle.reader is None:
        return {}
    return read_angles(bundle.reader.run({"log_attenuation": log_attenuation[None, None]})["endplates"][0])
