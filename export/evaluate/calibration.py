"""Validation subjects put through the device's path to see how wide intervals must be for subjects like them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from calib.phantom.splits import CALIBRATION_START, check_split
from edge.measure.interval_model import IntervalModel
from export.evaluate.campaign import Campaign, Task, progress_line, run_campaign
from export.evaluate.case import Case
from export.evaluate.interval_fit import fit_interval_model, with_intervals


def calibration_seeds(subjects: int, first: int = CALIBRATION_START) -> range:
    """So many validation seeds from ``first`` on; where nobody asks for others, those that no training validates on."""
    return range(first, first + subjects)


def calibrate(campaigns: Sequence[tuple[Campaign, range]], workers: int) -> tuple[IntervalModel, list[Case]]:
    """The interval model for a bundle, and the validation cases that it was fitted on.

    Args:
        campaigns: of one bundle, as a rule one per tier, each with its validation seeds.

    Raises:
        UsageError: seeds outside validation, too few subjects. LatxError: as ``run_campaign``.
    """
    for _, seeds in campaigns:
        check_split(seeds, "validation")
    cases: list[Case] = []
    on = []
    for campaign, seeds in campaigns:
        tell = progress_line(time.monotonic(), f"{campaign.tier} validation subjects")
        made = run_campaign(campaign, [Task(s) for s in seeds], workers, tell)
        answered = [case for case in made if case.answered]
        cases += answered
        on.append(f"phantom {campaign.tier} {seeds.start}:{seeds.stop} "
                  f"({len(answered)} subjects, {campaign.frames} frames per scan)")
    return fit_interval_model(cases, " + ".join(on)), cases


def with_tier_intervals(cases: Sequence[Case], model: IntervalModel) -> list[Case]:
    """The cases, each with the interval that a device with this model would have given beside its own."""
    return [case.model_copy(update={"tier_interval_deg": with_intervals(case, model).interval_deg})
            if case.answered else case for case in cases]
