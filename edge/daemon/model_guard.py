"""The pipeline under watch: a model that fails is tried again at leisure, and given up if it keeps on failing."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge.clock import Clock
from edge.errors import BundleError, ServiceError
from edge.frame import Frame
from edge.pipeline import Measurements, Pipeline
from edge.runtime.bundle import Bundle
from edge.view.gates import Refusal

RETRY_S: Final = 1.0
"""Time between two trials of a model that failed."""
GIVE_UP_AFTER: Final = 5
"""Failures in a row after which a new process may do better: a GPU that fell off its bus stays lost to this one."""


class ModelGuard:
    """Runs frames through a bundle and remembers whether that works."""

    def __init__(self, bundle: Bundle, clock: Clock) -> None:
        self.bundle, self._clock = bundle, clock
        self._pipeline = Pipeline(bundle)
        self._failed: BundleError | None = None
        self._failures = 0
        self._retry_s = 0.0

    def warm_up(self) -> None:
        """Run both stages once on zeros.

        Raises:
            BundleError: the model fails.
        """
        self.bundle.run({spec.name: np.zeros(spec.shape, np.float32) for spec in self.bundle.structure.inputs})

    def process(self, frame: Frame, previous: Frame | None) -> Measurements | Refusal:
        """As ``Pipeline.process``.

        Raises:
            BundleError: the model failed; ``failure`` says so from now on.
            ServiceError: it failed ``GIVE_UP_AFTER`` times in a row.
        """
        try:
            outcome = self._pipeline.process(frame, previous)
        except BundleError as error:
            self._note(error)
            raise
        if isinstance(outcome, Measurements):
            self._failures = 0
        return outcome

    def failure(self) -> str | None:
        """Why the model fails, None where it does not; tries it again when that is due.

        Raises:
            ServiceError: as ``process``.
        """
        if self._failed is None:
            return None
        if self._clock.monotonic_s() >= self._retry_s:
            try:
                self.warm_up()
            except BundleError as error:
                self._note(error)
            else:
                self._failed = None
                return None
        return self._failed.what

    def _note(self, error: BundleError) -> None:
        self._failed, self._retry_s = error, self._clock.monotonic_s() + RETRY_S
        self._failures += 1
        if self._failures >= GIVE_UP_AFTER:
            raise ServiceError(f"the model failed {self._failures} times in a row: {error.what}", where=error.where,
                               expected="a model that answers", found=error.found,
                               mend="check the bundle and the GPU: latx-edge doctor") from error
