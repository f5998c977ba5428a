"""How far two forms of the model are from each other, in the only unit that matters: degrees of every angle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.measure.angles import sagittal_angles
from edge.measure.coronal import cobb_major
from edge.runtime.bundle import Bundle
from edge.runtime.manifest import INTERVAL_NAMES
from export.engine.views import Inputs


def angles_of(endplates_mm: NDArray[np.float32]) -> NDArray[np.float64]:
    """Every reported angle of (1, 37, 4, 3) endplates, degrees, in the order of ``INTERVAL_NAMES``."""
    spine = np.asarray(endplates_mm[0], np.float64)
    sagittal = sagittal_angles(spine)
    return np.array([sagittal[name] if name in sagittal else cobb_major(spine).value_deg for name in INTERVAL_NAMES])


@dataclass(frozen=True)
class Drift:
    """Differences over views. by_angle_deg: (views, 9) absolute. radiograph: 95th percentile, of its range."""

    by_angle_deg: NDArray[np.float64]
    radiograph: float

    @property
    def mean_deg(self) -> float:
        """Mean over views and angles."""
        return float(self.by_angle_deg.mean())

    @property
    def worst_deg(self) -> float:
        """Largest of any view and angle."""
        return float(self.by_angle_deg.max())

    def per_angle(self, how: str) -> dict[str, float]:
        """``mean`` or ``max`` over the views, by angle."""
        values = getattr(self.by_angle_deg, how)(axis=0)
        return {name: round(float(value), 5) for name, value in zip(INTERVAL_NAMES, values, strict=True)}


@dataclass(frozen=True)
class Limit:
    """What a precision may cost, degrees."""

    mean_deg: float
    worst_deg: float


LIMITS: Final = {"fp32": Limit(0.05, 0.2), "fp16": Limit(0.1, 1.0), "int8": Limit(0.3, 1.0)}
"""Largest drift against ONNX Runtime in FP32 with which an engine is installed."""


def drift(model: Bundle, reference: Bundle, views: Sequence[Inputs]) -> Drift:
    """Run both on every view.

    Raises:
        BundleError, ServiceError: as the bundles' runs.
    """
    angles, pictures = [], []
    for view in views:
        ours, theirs = model.run(view)[0], reference.run(view)[0]
        angles.append(np.abs(angles_of(ours["endplates_mm"]) - angles_of(theirs["endplates_mm"])))
        span = max(float(np.ptp(theirs["log_attenuation"])), 1e-6)
        pictures.append(np.percentile(np.abs(ours["log_attenuation"] - theirs["log_attenuation"]), 95) / span)
    return Drift(np.stack(angles), float(np.max(pictures)))
