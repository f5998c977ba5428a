"""From the frames of one scan to one answer: its middle, repeatability, and a named reason for every frame left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ANGLE_NAMES
from edge.errors import RefusedError
from edge.measure.coronal import CobbCurve, cobb_major
from edge.measure.interval_model import IntervalModel, observations
from edge.measure.intervals import Interval, disagreements, interval
from edge.measure.reading import LIMIT_DEG, departures
from edge.measure.tilts import vertebral_centres_mm
from edge.order import huber_weights, pseudomedian
from edge.pipeline import Measurements
from edge.superpose import superposed
from edge.view.gates import Reason, Refusal

Reading = Callable[[NDArray[np.float32]], Mapping[str, float]]

MIN_ACCEPTED: Final = 3
"""Frames that a result rests on at least, where the camera gave so many: two cannot outvote an outlier."""
OUTLIER_SDS: Final = 4.0
"""A frame is an outlier so many robust standard deviations (1.4826 x MAD) from the median of the scan."""
OUTLIER_FLOOR_DEG: Final = 4.0
"""... but never within this of it: quiet standing sways by 1-2 deg (rasterstereography repeatability, SD)."""
SPACING_MM: Final = (6.0, 70.0)
"""Distance of neighbouring vertebral centres that a human spine can have, small child to tall adult, with margin."""

REASONS_AFTER_MODEL: Final[dict[str, Reason]] = {
    "implausible_spine": Reason(
        "the landmarks found are no human spine", "Stand on the mark, arms hanging; if it persists, check the bundle."
    ),
    "curves_disagree": Reason(
        "endplates and centre line give contradicting curves", "Stand upright and still, and scan again."
    ),
    "outlier": Reason("the frame differs from the others of the scan", "Stand still and breathe calmly."),
}
"""Reasons for which a frame that passed the gates is left out all the same."""


@dataclass(frozen=True)
class Rejection:
    """A frame left out of a scan, by a gate or after the model: one shape for both."""

    reason: str
    what: str
    expected: str
    found: str
    advice: str

    @classmethod
    def of(cls, refusal: Refusal) -> Rejection:
        """A gate's refusal."""
        return cls(refusal.reason, refusal.what, refusal.expected, refusal.found, refusal.advice)

    @classmethod
    def after_model(cls, reason: str, expected: str, found: str) -> Rejection:
        """With the wording of ``REASONS_AFTER_MODEL``."""
        row = REASONS_AFTER_MODEL[reason]
        return cls(reason, row.what, expected, found, row.advice)


@dataclass(frozen=True)
class FusedAngle:
    """An angle over the frames of a scan. repeatability_deg is None where a single frame was accepted.

    sd_deg: standard deviation that the model predicts, median over the accepted frames. too_wide: the interval says
    so little that the scan should be repeated.
    """

    value_deg: float
    interval: Interval
    repeatability_deg: float | None
    sd_deg: float
    too_wide: bool = False


@dataclass(frozen=True)
class ScanResult:
    """One scan, fused.

    angles: by ``ANGLE_NAMES``. cobb, cobb_curve: the major coronal curve of the fused landmarks.
    endplates_mm: (37, 4, 3) float64, body frame. log_attenuation: (512, 256) float32. Both are means of the accepted
    frames with the same weights, which stray landmarks lessen, the pictures laid bone on bone: the line lies where the
    picture shows it, and what the frames do not agree on is drawn softly. The sagittal angles are pseudomedians of the
    frames'.
    endplates_sd_mm: (37, 4, 3) float64, medians.
    refusals: reason -> frames left out. gates: median of each measured value. timing_ms: median of each step.
    captured_at_ns: of the first accepted frame. reread_deg: angles read back off the radiograph, empty where nobody
    reads.
    """

    angles: dict[str, FusedAngle]
    cobb: FusedAngle
    cobb_curve: CobbCurve
    endplates_mm: NDArray[np.float64]
    endplates_sd_mm: NDArray[np.float64]
    log_attenuation: NDArray[np.float32]
    accepted_frames: int
    refusals: dict[str, int]
    gates: dict[str, float]
    timing_ms: dict[str, float]
    captured_at_ns: int
    reread_deg: dict[str, float] = field(default_factory=dict)

    @property
    def repeat(self) -> tuple[str, ...]:
        """Angles whose interval is too wide to be of use: scan again."""
        every = dict(self.angles) | {"cobb_major": self.cobb}
        return tuple(name for name, angle in every.items() if angle.too_wide)

    @property
    def contradicted(self) -> tuple[str, ...]:
        """Angles that the radiograph shows otherwise, by more than ``LIMIT_DEG``: the picture is not to be trusted."""
        off = departures({name: angle.value_deg for name, angle in self.angles.items()}, self.reread_deg)
        return tuple(name for name, by in off.items() if abs(by) > LIMIT_DEG)

    @property
    def rejected_frames(self) -> int:
        """Number of frames left out."""
        return sum(self.refusals.values())


def fuse(outcomes: Sequence[Measurements | Refusal], interval_scales: Mapping[str, float],
         min_accepted: int = MIN_ACCEPTED, source: str = "", interval_model: IntervalModel | None = None,
         read: Reading | None = None) -> ScanResult:
    """One answer from the frames of a scan.

    Args:
        outcomes: of ``Pipeline.process``, in the order of the frames.
        interval_scales: conformal factor by angle, of the bundle's manifest.
        min_accepted: accepted frames needed; fewer suffice only where the camera gave fewer frames than that.
        source: where the frames come from, named by a refusal.
        interval_model: of the bundle's manifest, where it has one: it decides the widths instead of the factors.
        read: reads angles back off a radiograph, degrees; none for one that shows no spine.

    Raises:
        RefusedError: too few frames are left; names the most frequent reason. No answer is made up.
    """
    kept: list[Measurements] = []
    rejected: list[Rejection] = []
    for outcome in outcomes:
        verdict = Rejection.of(outcome) if isinstance(outcome, Refusal) else _contradiction(outcome)
        if verdict is not None:
            rejected.append(verdict)
        elif not isinstance(outcome, Refusal):
            kept.append(outcome)
    kept, outliers = _without_outliers(kept)
    rejected += outliers
    needed = max(1, min(min_accepted, len(outcomes)))
    if len(kept) < needed:
        raise _refused(rejected, len(outcomes), len(kept), needed, source)
    fused = _fused(kept, rejected, interval_scales, interval_model)
    return fused if read is None else replace(fused, reread_deg=dict(read(fused.log_attenuation)))


def _fused(kept: list[Measurements], rejected: list[Rejection], scales: Mapping[str, float],
           model: IntervalModel | None) -> ScanResult:
    landmarks = np.stack([m.endplates_mm for m in kept])
    measured = np.array([[m.angles_deg[name] for name in ANGLE_NAMES] for m in kept])
    weights = huber_weights(landmarks)
    middle, middle_deg = np.tensordot(weights, landmarks, 1), pseudomedian(measured)
    off_mm = (landmarks - middle).mean(axis=(1, 2))[:, :2]
    picture = superposed([m.log_attenuation for m in kept], off_mm, weights)
    curve = cobb_major(middle)
    several = len(kept) > 1
    gates = _medians(kept, lambda m: m.gates)

    def fused(name: str, value: float, values: list[float], floor_deg: float = -np.inf) -> FusedAngle:
        repeatability = float(np.std(values, ddof=1)) if several else None
        sd = float(np.median([m.angle_sd_deg[name] for m in kept]))
        if model is None:
            bounds = interval(value, sd, scales[name], repeatability or 0.0, floor_deg)
            return FusedAngle(value, bounds, repeatability, sd)
        half = model.half_width_deg(name, observations(value, sd, repeatability, curve.value_deg, gates))
        bounds = model.interval(name, value, half, floor_deg)
        return FusedAngle(value, bounds, repeatability, sd, too_wide=half > model.widest_deg[name])

    return ScanResult(
        angles={name: fused(name, float(middle_deg[k]), measured[:, k].tolist()) for k, name in enumerate(ANGLE_NAMES)},
        # Value and end vertebrae of the fused landmarks: a maximum over pairs would only collect the frames' noise.
        cobb=fused("cobb_major", curve.value_deg, [m.cobb.value_deg for m in kept], floor_deg=0.0),
        cobb_curve=curve,
        endplates_mm=middle,
        endplates_sd_mm=np.median([m.endplates_sd_mm for m in kept], axis=0),
        log_attenuation=picture,
        accepted_frames=len(kept),
        refusals=dict(Counter(r.reason for r in rejected).most_common()),
        gates=gates,
        timing_ms=_medians(kept, lambda m: m.timing_ms),
        captured_at_ns=kept[0].captured_at_ns,
    )


def _contradiction(measured: Measurements) -> Rejection | None:
    """Why the landmarks of a frame cannot be a spine, if so."""
    steps = np.diff(vertebral_centres_mm(measured.endplates_mm), axis=0)
    spacing = np.linalg.norm(steps, axis=1)
    if (steps[:, 1] >= 0).any() or spacing.min() < SPACING_MM[0] or spacing.max() > SPACING_MM[1]:
        return Rejection.after_model(
            "implausible_spine", f"descending vertebrae {SPACING_MM[0]:g} to {SPACING_MM[1]:g} mm apart",
            f"{spacing.min():.0f} to {spacing.max():.0f} mm, {int((steps[:, 1] >= 0).sum())} not descending",
        )
    off = disagreements(measured.angles_deg)
    if off:
        name, departure = max(off.items(), key=lambda item: abs(item[1]))
        return Rejection.after_model("curves_disagree", f"{name} near its endplate angle", f"{departure:+.0f} deg off")
    return None


def _without_outliers(kept: list[Measurements]) -> tuple[list[Measurements], list[Rejection]]:
    if len(kept) < MIN_ACCEPTED:
        return kept, []
    values = np.array([[m.angles_deg[name] for name in ANGLE_NAMES] for m in kept])
    distance = np.abs(values - np.median(values, axis=0))
    limit = np.maximum(OUTLIER_SDS * 1.4826 * np.median(distance, axis=0), OUTLIER_FLOOR_DEG)
    far = (distance > limit).any(axis=1)
    rejections = []
    for row in np.flatnonzero(far):
        worst = int(np.argmax(distance[row] / limit))
        rejections.append(Rejection.after_model(
            "outlier", f"{ANGLE_NAMES[worst]} within {limit[worst]:.1f} deg of the scan's median",
            f"{distance[row, worst]:.1f} deg away",
        ))
    return [m for m, out in zip(kept, far, strict=True) if not out], rejections


def _refused(rejected: list[Rejection], frames: int, accepted: int, needed: int, source: str) -> RefusedError:
    if not rejected:
        return RefusedError("the camera gave no frame", where=source, expected=f"at least {needed} accepted frames",
                            found="0 frames", mend="check the recording or the camera")
    reason, count = Counter(r.reason for r in rejected).most_common(1)[0]
    last = [r for r in rejected if r.reason == reason][-1]
    what = f"no result: {accepted} of {frames} frames accepted; {count} refused as {reason}: {last.what}"
    return RefusedError(what, where=source, expected=last.expected, found=last.found, mend=last.advice)


def _medians(kept: list[Measurements], values_of: Callable[[Measurements], Mapping[str, float]]) -> dict[str, float]:
    """Median of each value over the frames that have it; values that are not finite are left out."""
    collected: dict[str, list[float]] = {}
    for measured in kept:
        for name, value in values_of(measured).items():
            if np.isfinite(value):
                collected.setdefault(name, []).append(value)
    return {name: float(np.median(values)) for name, values in collected.items()}
