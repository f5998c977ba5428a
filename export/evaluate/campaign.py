"""Many trials, one after another or by several processes, each result kept as soon as it is there."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from edge.runtime.bundle import Bundle, load_bundle
from export.evaluate.case import Case
from export.evaluate.result_cache import ResultCache

if TYPE_CHECKING:
    from export.evaluate.examine import Seen
    from export.evaluate.trial import Trial

SCAN_RATE_HZ: Final = 4.0
"""Measured frames per second of a scan before a kiosk: ``spacing_s`` of its configuration is 0.25 s by default."""


@dataclass(frozen=True)
class Campaign:
    """What every subject of an evaluation is put through.

    bundle: folder, None for the shipped one. cache: where results are kept, None keeps none. pix2pix: weights of the
    plain U-Net that draws beside the bundle, None for none; pix2pix_sha256: of these.
    """

    bundle: Path | None
    bundle_sha256: str
    tier: str
    frames: int
    threads: int | None
    cache: Path | None
    pix2pix: Path | None = None
    pix2pix_sha256: str = ""


@dataclass(frozen=True)
class Task:
    """One subject's turn.

    drawn: compare the radiographs as well. repeats: scans of one standing for repeatability, 0 for none. condition:
    label of ``robustness.CONDITIONS``, None for the subject as drawn.
    """

    seed: int
    drawn: bool = False
    repeats: int = 0
    condition: str | None = None


def run_campaign(campaign: Campaign, tasks: Sequence[Task], workers: int, tell: Callable[[int, int], None]
                 ) -> list[Case]:
    """A case per task, in their order; what is kept from before is not done again.

    Raises:
        LatxError: as ``examine`` and ``load_bundle``.
    """
    cache = ResultCache(campaign.cache)
    found = {task: cache.find(_key(campaign, task)) for task in tasks}
    missing = [task for task in tasks if found[task] is None]
    tell(len(tasks) - len(missing), len(tasks))
    several = workers > 1 and len(missing) > 1
    # Spawned, not forked: a forked child of a process whose OpenMP has threads may wait for ever.
    pool = multiprocessing.get_context("spawn").Pool(workers, _begin, (campaign,)) if several else nullcontext()
    with pool as hands:
        if hands is None:
            _begin(campaign)
        done: Iterable[tuple[Task, Case]] = hands.imap_unordered(_do, missing) if hands else map(_do, missing)
        for number, (task, made) in enumerate(done, start=1):
            cache.keep(_key(campaign, task), made)
            found[task] = made
            tell(len(tasks) - len(missing) + number, len(tasks))
    _end()
    return [case for task in tasks if (case := found[task]) is not None]


def progress_line(started: float, things: str = "subjects") -> Callable[[int, int], None]:
    """Tells done and total on stderr, with the time left: rewritten on a terminal, now and then elsewhere."""
    first: list[int] = []

    def tell(done: int, total: int) -> None:
        first.append(done)
        each = (time.monotonic() - started) / max(done - first[0], 1)
        line = f"{done}/{total} {things}"
        if done > first[0]:
            line += f"  {each:.1f} s each  {each * (total - done) / 60:.0f} min left"
        if sys.stderr.isatty():
            print(line.ljust(60), end="\r" if done < total else "\n", file=sys.stderr, flush=True)
        elif done % 32 == 0 or done == total:
            print(line, file=sys.stderr, flush=True)

    return tell


_hand: dict[str, Any] = {}


def _begin(campaign: Campaign) -> None:
    _hand.update(campaign=campaign, bundle=load_bundle(campaign.bundle, campaign.threads))
    if campaign.pix2pix is not None:
        import torch

        from export.evaluate.plain_picture import PlainPicture

        torch.set_num_threads(campaign.threads or 1)
        _hand.update(plain=PlainPicture(campaign.pix2pix))


def _end() -> None:
    bundle = _hand.pop("bundle", None)
    if bundle is not None:
        bundle.close()
    _hand.clear()


def _do(task: Task) -> tuple[Task, Case]:
    from export.evaluate.examine import examine

    campaign: Campaign = _hand["campaign"]
    bundle: Bundle = _hand["bundle"]
    trial = _trial(campaign, task)
    case, seen = examine(trial, bundle, campaign.frames, drawn=task.drawn)
    if seen is None:
        return task, case
    if task.drawn:
        case = _with_film(case, trial, seen, bundle)
    if task.repeats:
        case = case.model_copy(update={"repeats_deg": _repeated(campaign, task, bundle)})
    return task, case


def _trial(campaign: Campaign, task: Task) -> Trial:
    if task.condition is not None:
        from export.evaluate.robustness import altered_trial, condition_named

        return altered_trial(condition_named(task.condition), task.seed, campaign.tier, campaign.frames)
    from export.evaluate.phantom_trials import phantom_trial

    return phantom_trial(task.seed, campaign.tier, campaign.frames)


def _with_film(case: Case, trial: Trial, seen: Seen, bundle: Bundle) -> Case:
    from edge.scan import reread
    from export.evaluate.film_agreement import film_agreement
    from export.evaluate.plain_picture import NAME, PlainPicture

    update: dict[str, Any] = {}
    true = trial.film(seen.views) if trial.film is not None else None
    if true is not None:
        update["film"] = film_agreement(seen.result.log_attenuation, true)
    plain: PlainPicture | None = _hand.get("plain")
    if plain is not None:
        drawn = plain.draw(seen.views)
        update["others_deg"] = case.others_deg | {NAME: reread(bundle, drawn)}
        if true is not None:
            update["plain_film"] = film_agreement(drawn, true)
    return case.model_copy(update=update)


def _repeated(campaign: Campaign, task: Task, bundle: Bundle) -> dict[str, list[float]]:
    """Angles of consecutive scans of one standing: sway, breathing and noise go on, camera and mount stay.

    Frames come as a kiosk takes them by default, ``SCAN_RATE_HZ``: a scan lasts as long as a breath.
    """
    from edge.errors import RefusedError
    from edge.pipeline import Pipeline
    from edge.scan import PATIENCE, scan
    from export.evaluate.examine import without_radiograph
    from export.evaluate.phantom_trials import phantom_trial

    pipeline = Pipeline(without_radiograph(bundle))
    angles: dict[str, list[float]] = {}
    # A scan takes further frames for those that were refused.
    enough = campaign.frames * task.repeats * PATIENCE
    standing = phantom_trial(task.seed, campaign.tier, enough, SCAN_RATE_HZ)
    with standing.open_camera() as camera:
        for _ in range(task.repeats):
            try:
                result = scan(camera, pipeline, campaign.frames).result
            except RefusedError:
                continue
            for name, angle in (dict(result.angles) | {"cobb_major": result.cobb}).items():
                angles.setdefault(name, []).append(angle.value_deg)
    return angles


def _key(campaign: Campaign, task: Task) -> dict[str, object]:
    kept = {k: v for k, v in asdict(campaign).items() if k not in ("bundle", "cache", "threads", "pix2pix")}
    return kept | asdict(task)
