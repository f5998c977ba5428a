"""The two free predictors, fitted on training subjects: the mean of the population, and the calibrated skin line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from edge.errors import UsageError
from edge.measure.angles import sagittal_angles
from edge.measure.coronal import cobb_major
from edge.runtime.manifest import INTERVAL_NAMES
from edge.whole_file import write_whole
from export.evaluate.skin_line import surface_angles
from export.train.sample import SampleSource

SCHEMA: Final = "latx-baselines/1"
MIN_SUBJECTS: Final = 300
"""Fewer leave the error of the calibration itself visible in the comparison."""
SHIPPED: Final = Path(__file__).resolve().parent / "shipped"


class SkinCalibration(BaseModel):
    """angle = kyphosis * (surface kyphosis) + lordosis * (surface lordosis) + offset_deg."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kyphosis: float
    lordosis: float
    offset_deg: float


class Baselines(BaseModel):
    """Both predictors, with what they were fitted on."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    schema_version: Literal["latx-baselines/1"] = SCHEMA
    fitted_on: str
    subjects: int
    mean_deg: dict[str, float]
    skin_line: dict[str, SkinCalibration]

    def from_skin(self, kyphosis_deg: float, lordosis_deg: float) -> dict[str, float]:
        """Every angle that the skin line of one back predicts, degrees."""
        return {
            name: c.kyphosis * kyphosis_deg + c.lordosis * lordosis_deg + c.offset_deg
            for name, c in self.skin_line.items()
        }


def true_angles(endplates_mm: np.ndarray) -> dict[str, float]:
    """Every sagittal angle and the major Cobb angle of (37, 4, 3) endplates, degrees."""
    return sagittal_angles(endplates_mm) | {"cobb_major": cobb_major(endplates_mm).value_deg}


def fit_baselines(source: SampleSource, fitted_on: str) -> Baselines:
    """Means and least-squares calibrations over the subjects of ``source`` whose endplates are all known.

    Raises:
        UsageError: fewer than ``MIN_SUBJECTS`` of them.
    """
    truths: list[Mapping[str, float]] = []
    surfaces: list[tuple[float, float]] = []
    for index in range(len(source)):
        sample = source[index]
        surface = surface_angles(sample.view)
        if sample.endplates_mm is None or not np.isfinite(sample.endplates_mm).all() or not np.isfinite(surface).all():
            continue
        truths.append(true_angles(sample.endplates_mm.astype(np.float64)))
        surfaces.append(surface)
    if len(truths) < MIN_SUBJECTS:
        raise UsageError("too few subjects to fit baselines on", expected=f"{MIN_SUBJECTS} or more",
                         found=str(len(truths)), mend="render more training seeds (latx-export render)")
    design = np.column_stack([np.array(surfaces), np.ones(len(surfaces))])
    values = np.array([[truth[name] for name in INTERVAL_NAMES] for truth in truths])
    weights = np.linalg.lstsq(design, values, rcond=None)[0]
    return Baselines(
        fitted_on=fitted_on,
        subjects=len(truths),
        mean_deg=dict(zip(INTERVAL_NAMES, values.mean(axis=0).round(4).tolist(), strict=True)),
        skin_line={
            name: SkinCalibration(kyphosis=round(k, 6), lordosis=round(lo, 6), offset_deg=round(offset, 4))
            for name, (k, lo, offset) in zip(INTERVAL_NAMES, weights.T.tolist(), strict=True)
        },
    )


def shipped_path(tier: str) -> Path:
    """Where the baselines of a realism tier lie within the package; typical-without-X has those of typical."""
    return SHIPPED / f"{tier.partition('-without-')[0]}.json"


def save_baselines(baselines: Baselines, path: Path) -> None:
    """Write whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    write_whole(path, baselines.model_dump_json(indent=1) + "\n", "the baselines")


def load_baselines(path: Path) -> Baselines:
    """Read what ``save_baselines`` wrote.

    Raises:
        UsageError: no such file, or something else in it.
    """
    mend = "fit them with: latx-export baselines"
    try:
        return Baselines.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError("no baselines to compare with", where=str(path), expected="a file of latx-export baselines",
                         found=error.strerror or "nothing", mend=mend) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError("not a file of baselines", where=f"{path}:{'.'.join(map(str, first['loc']))}",
                         expected=SCHEMA, found=first["msg"], mend=mend) from error
