"""Names and order of the vertebral levels, of the endplate landmarks, and of the angles measured on them.

Everything that indexes a landmark array (network, phantom, measuring, drawing) takes its order from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

THORACIC: Final = tuple(f"T{i}" for i in range(1, 13))
LUMBAR: Final = tuple(f"L{i}" for i in range(1, 6))

VERTEBRAE: Final = ("C7", *THORACIC, *LUMBAR)
"""The 18 vertebrae with two endplates, cranial to caudal."""

ENDPLATES: Final = (
    *((level, side) for level in VERTEBRAE for side in ("superior", "inferior")),
    ("S1", "superior"),
)
"""The 37 endplates, cranial to caudal: row order of every ``endplates_mm`` array of shape (37, 4, 3)."""

ENDPLATE_POINTS: Final = ("anterior", "posterior", "left", "right")
"""The four rim points of an endplate: second axis of ``endplates_mm``. Left and right are the subject's."""

ENDPLATE_INDEX: Final = {name: i for i, name in enumerate(ENDPLATES)}
VERTEBRA_INDEX: Final = {name: i for i, name in enumerate(VERTEBRAE)}


@dataclass(frozen=True)
class SagittalAngle:
    """A sagittal angle between two endplates: tilt(caudal) - tilt(cranial), times ``sign``.

    ``cranial`` or ``caudal`` is None where the other line is the horizontal (sacral slope).
    """

    name: str
    label: str
    cranial: tuple[str, str] | None
    caudal: tuple[str, str] | None
    sign: int

    @property
    def levels(self) -> str:
        """Readable levels, e.g. ``"T4 superior - T12 inferior"``."""
        names = [" ".join(e) if e else "horizontal" for e in (self.cranial, self.caudal)]
        return " - ".join(names)


# Tilt is positive where the anterior rim is higher than the posterior one. Kyphosis opens forward and
# lordosis backward, hence the signs. Definitions: cranial endplate of the upper and caudal endplate of the
# lower vertebra (Cobb's method on the lateral radiograph); sacral slope against the horizontal.
SAGITTAL_ANGLES: Final = (
    SagittalAngle("thoracic_kyphosis_t1_t12", "Thoracic kyphosis T1-T12", ("T1", "superior"), ("T12", "inferior"), 1),
    SagittalAngle("thoracic_kyphosis_t4_t12", "Thoracic kyphosis T4-T12", ("T4", "superior"), ("T12", "inferior"), 1),
    SagittalAngle("thoracic_kyphosis_t5_t12", "Thoracic kyphosis T5-T12", ("T5", "superior"), ("T12", "inferior"), 1),
    SagittalAngle("lumbar_lordosis_l1_s1", "Lumbar lordosis L1-S1", ("L1", "superior"), ("S1", "superior"), -1),
    SagittalAngle("lumbar_lordosis_l1_l5", "Lumbar lordosis L1-L5", ("L1", "superior"), ("L5", "inferior"), -1),
    SagittalAngle("sacral_slope", "Sacral slope", None, ("S1", "superior"), -1),
)

CENTRELINE_ANGLES: Final = ("centreline_kyphosis", "centreline_lordosis")
"""Tangent angles of the line through the vertebral centres (see ``edge.measure.centreline``)."""

ANGLE_NAMES: Final = (*(a.name for a in SAGITTAL_ANGLES), *CENTRELINE_ANGLES)
"""Every sagittal angle that a result carries, in the order in which it is shown."""
