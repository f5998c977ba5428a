"""From attenuation to what a slot-scanning detector records: blur, scatter, quanta and electronics.

Slot scanning keeps scatter low; what is left is a blurred share of the primary beam that lifts the thickest parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

LOG_CEILING: Final = 8.19  # the 16-bit picture stores 8000 steps per unit
HARDENING: Final = 0.012  # effective attenuation falls by a tenth from 2 to 25 cm of muscle, and on beyond


@dataclass(frozen=True)
class Exposure:
    """One exposure.

    quanta: photons per output pixel in the open beam; electronics: SD in the same unit; scatter: share of the
    blurred primary added to it; scatter_mm: reach of that blur; veil: constant share of the open beam;
    blur_mm: SD of the detector's point spread.
    """

    quanta: float
    electronics: float
    scatter: float
    scatter_mm: float
    veil: float
    blur_mm: float


def draw_exposure(rng: np.random.Generator, bmi: float) -> Exposure:
    """Doses and detectors differ from site to site; stout subjects get more dose."""
    return Exposure(
        quanta=float(10 ** rng.uniform(5.6, 6.2) * np.exp(0.09 * (bmi - 19.0))),
        electronics=float(rng.uniform(1.5, 5.0)),
        scatter=float(rng.uniform(0.06, 0.16)),
        scatter_mm=float(rng.uniform(18.0, 40.0)),
        veil=float(10 ** rng.uniform(-4.2, -3.3)),
        blur_mm=float(rng.uniform(0.45, 0.75)),
    )


def record(attenuation: F32, mm_per_px: float, exposure: Exposure, rng: np.random.Generator) -> F32:
    """Log attenuation as recorded, at half the resolution.

    Args:
        attenuation: (2 H, 2 W) float32 true line integrals.
        mm_per_px: pixel size of ``attenuation``.
        exposure: the exposure.
        rng: noise.

    Returns:
        (H, W) float32 -ln(I / I0), within -0.1 and ``LOG_CEILING``.
    """
    rows, cols = attenuation.shape
    # The thicker the body, the harder what is left of the beam.
    fine = cv2.exp(-attenuation / (1.0 + HARDENING * attenuation))
    beam = cv2.resize(fine, (cols // 2, rows // 2), interpolation=cv2.INTER_AREA)
    beam = cv2.GaussianBlur(beam, (0, 0), exposure.blur_mm / (2 * mm_per_px), borderType=cv2.BORDER_REPLICATE)
    # Blurred as a logarithm: a blur of the beam itself would pour the open air into the thickest parts.
    depth = -cv2.log(np.maximum(beam, np.float32(1e-5)))
    depth = cv2.resize(depth, (cols // 16, rows // 16), interpolation=cv2.INTER_AREA)
    depth = cv2.GaussianBlur(depth, (0, 0), exposure.scatter_mm / (16 * mm_per_px), borderType=cv2.BORDER_REPLICATE)
    depth = cv2.resize(depth, (beam.shape[1], beam.shape[0]), interpolation=cv2.INTER_CUBIC)
    glow = cv2.exp(-depth) * (1.0 + 0.15 * depth)  # thicker parts scatter more for each quantum that gets through
    # Scatter is made in the body: none comes out of the open beam.
    beam = beam + exposure.scatter * glow * (1.0 - np.clip(beam, 0.0, 1.0)) + exposure.veil
    variance = beam / exposure.quanta + (exposure.electronics / exposure.quanta) ** 2
    beam = beam + cv2.sqrt(variance.astype(np.float32)) * rng.standard_normal(beam.shape, dtype=np.float32)
    floor = np.float32(np.exp(-LOG_CEILING))
    recorded = -cv2.log(np.clip(beam, floor, 1.1).astype(np.float32))
    return np.asarray(recorded, dtype=np.float32)
