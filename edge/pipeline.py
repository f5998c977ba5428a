"""The way of one frame: see, lift, infer the structure, synthesise the radiograph, measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.frame import Frame
from edge.lift import back_tensor, lateral_lift
from edge.measure.angles import sagittal_angles
from edge.measure.coronal import CobbCurve, cobb_major
from edge.runtime.bundle import Bundle
from edge.runtime.manifest import INTERVAL_NAMES
from edge.view.back_view import BackView
from edge.view.gates import Refusal
from edge.view.see import see


@dataclass(frozen=True)
class Measurements:
    """What one accepted frame says.

    angles_deg: by ``edge.anatomy.ANGLE_NAMES``. angle_sd_deg: the same and ``cobb_major``, standard deviations that
    the model predicts.
    endplates_mm, endplates_sd_mm: (37, 4, 3) float64, body frame.
    log_attenuation: (512, 256) float32, -ln(I/I0), grid RADIOGRAPH.
    gates: measured gate values. timing_ms: wall time by step, milliseconds.
    """

    angles_deg: dict[str, float]
    angle_sd_deg: dict[str, float]
    cobb: CobbCurve
    endplates_mm: NDArray[np.float64]
    endplates_sd_mm: NDArray[np.float64]
    log_attenuation: NDArray[np.float32]
    gates: dict[str, float]
    captured_at_ns: int
    timing_ms: dict[str, float]


class Pipeline:
    """Runs a bundle on frames, one by one or in a stream. It holds no state between frames."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def process(self, frame: Frame, previous: Frame | None = None) -> Measurements | Refusal:
        """Measure one frame, or say why not.

        Args:
            previous: the frame before it, for the gates that need two.

        Raises:
            BundleError: the model failed or answered with something that is not finite.
        """
        return self._follow(*_seen(frame, previous))

    def stream(self, next_frame: Callable[[], Frame | None]) -> Generator[Measurements | Refusal, None, None]:
        """Measure one frame after the other, each against the one before it, until there is none.

        The next frame is asked for and looked at in a second thread while the model runs on the present one: looking
        keeps a processor busy, the model is busy elsewhere (a GPU) or leaves one idle now and then. So one frame more
        is taken than is measured when the stream is left early.

        Args:
            next_frame: gives the next frame, or None after the last; called in that thread alone.

        Raises:
            BundleError: as for ``process``; and what ``next_frame`` raises.
        """
        previous: Frame | None = None

        def look() -> tuple[BackView | Refusal, dict[str, float]] | None:
            nonlocal previous
            frame = next_frame()
            if frame is None:
                return None
            before, previous = previous, frame
            return _seen(frame, before)

        with ThreadPoolExecutor(1, thread_name_prefix="see") as ahead:
            coming = ahead.submit(look)
            while (seen := coming.result()) is not None:
                coming = ahead.submit(look)
                yield self._follow(*seen)

    def _follow(self, view: BackView | Refusal, timing: dict[str, float]) -> Measurements | Refusal:
        if isinstance(view, Refusal):
            return view
        measured = self.measure(view)
        return replace(measured, timing_ms=timing | measured.timing_ms)

    def measure(self, view: BackView) -> Measurements:
        """Measure an accepted back view.

        Raises:
            BundleError: as for ``process``.
        """
        timing: dict[str, float] = {}
        with _timed(timing, "lift"):
            back, lift = back_tensor(view)[None], lateral_lift(view)[None]
        outputs, model_ms = self.bundle.run({"back_view": back, "lateral_lift": lift})
        timing |= model_ms
        with _timed(timing, "measure"):
            endplates = outputs["endplates_mm"][0].astype(np.float64)
            angles, cobb = sagittal_angles(endplates), cobb_major(endplates)
        return Measurements(
            angles_deg=angles,
            angle_sd_deg=dict(zip(INTERVAL_NAMES, map(float, outputs["angle_sd_deg"][0]), strict=True)),
            cobb=cobb,
            endplates_mm=endplates,
            endplates_sd_mm=outputs["endplates_sd_mm"][0].astype(np.float64),
            log_attenuation=outputs["log_attenuation"][0, 0],
            gates=dict(view.gates),
            captured_at_ns=view.captured_at_ns,
            timing_ms=timing,
        )


def _seen(frame: Frame, previous: Frame | None) -> tuple[BackView | Refusal, dict[str, float]]:
    timing: dict[str, float] = {}
    with _timed(timing, "see"):
        view = see(frame, previous)
    return view, timing


@contextmanager
def _timed(timing: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timing[step] = (time.perf_counter() - start) * 1e3
