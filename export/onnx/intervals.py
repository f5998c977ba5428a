"""Split-conformal factors: how many predicted standard deviations hold the truth with 90 % on unseen subjects."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError
from edge.measure.intervals import COVERAGE
from export.model.config import SD_NAMES
from export.model.structure import StructureNet
from export.train.angles import measured_angles
from export.train.dataset import validation_batches
from export.train.sample import SampleSource


@dataclass(frozen=True)
class ValidationErrors:
    """errors_deg, sd_deg: (N, 9) in the order of ``SD_NAMES``; truth_deg: (N, 9)."""

    errors_deg: NDArray[np.float64]
    sd_deg: NDArray[np.float64]
    truth_deg: NDArray[np.float64]

    def mean_absolute(self) -> dict[str, float]:
        """Mean absolute error per angle, degrees."""
        return dict(zip(SD_NAMES, np.nanmean(np.abs(self.errors_deg), axis=0).tolist(), strict=True))


def validation_errors(net: StructureNet, source: SampleSource) -> ValidationErrors:
    """Errors of stage 1 in full precision on subjects it was not trained on."""
    import torch

    errors, doubts, truths = [], [], []
    for batch in validation_batches(source, 16, with_radiograph=False):
        with torch.no_grad():
            got = net(batch["back_view"], batch["lateral_lift"])
        measured = np.stack([measured_angles(e) for e in got.endplates_mm.double().numpy()])
        truth = batch["angles_deg"].numpy().astype(np.float64)
        errors.append(measured - truth)
        doubts.append(got.angle_sd_deg.double().numpy())
        truths.append(truth)
    return ValidationErrors(np.concatenate(errors), np.concatenate(doubts), np.concatenate(truths))


def conformal_scales(seen: ValidationErrors, coverage: float = COVERAGE) -> dict[str, float]:
    """Per angle the finite-sample quantile of |error| / sd (Vovk; Lei et al., JASA 2018).

    Raises:
        UsageError: too few subjects for the quantile to exist.
    """
    scales = {}
    for column, name in enumerate(SD_NAMES):
        ratio = np.abs(seen.errors_deg[:, column]) / seen.sd_deg[:, column]
        ratio = np.sort(ratio[np.isfinite(ratio)])
        rank = math.ceil((len(ratio) + 1) * coverage)
        if rank > len(ratio):
            raise UsageError(
                f"too few validation subjects for a {coverage:.0%} interval of {name}",
                expected=f"at least {math.ceil(coverage / (1 - coverage))}", found=str(len(ratio)),
                mend="render more validation seeds",
            )
        scales[name] = max(float(ratio[rank - 1]), 1e-3)
    return scales
