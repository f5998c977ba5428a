"""Phantom subjects as training samples: rendered once through the device's own path, kept in a regenerable cache.

seed -> subject -> camera frame -> ``edge.view.see`` -> back view; its truth is carried from the subject's frame into
the body frame that ``see`` found. Shards hold 64 seeds; a range that is rendered again only fills what is missing.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from calib.phantom.splits import one_split, split_of
from edge.errors import UsageError
from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW, RADIOGRAPH
from export.model.config import EXPERTS, UNKNOWN_EXPERT
from export.train.sample import AS_SEEN, TrainingSample

if TYPE_CHECKING:
    from calib.phantom.subject import Subject

SHARD_SEEDS: Final = 64
SURFACE_STEP_MM: Final = 0.02
"""The surface is kept as int16 multiples of this: finer than any camera, and its slopes do not step."""
FILM_STEP: Final = 2e-4
"""Log-attenuation is kept as uint16 multiples of this: up to 13."""
VIEW_STREAM: Final = 31
"""Random stream of where the camera stands: see ``calib.phantom.sampler.STREAMS``."""
WAISTBAND_STREAM: Final = 43
"""Random stream of how high the trousers are worn."""
MEAN_OF: Final = (1, 1, 4, 4, 12, 12)
"""Frames whose mean a training view stands for, drawn per subject: noise hides what a calm surface teaches."""
MEAN_STREAM: Final = 47
TRIES: Final = 4
"""Views drawn per subject before it is left out."""
AS_SEEN_BY_TIER: Final = {"sensor": 0.6}
"""``TrainingSample.as_seen`` where a tier says otherwise: nothing but the camera's noise is its point."""


@dataclass(frozen=True)
class Rendered:
    """One subject as it is stored. ``refused``: reasons of the views that were drawn again."""

    seed: int
    surface: NDArray[np.int16]
    mask: NDArray[np.uint8]
    colour: NDArray[np.uint8] | None
    endplates_mm: NDArray[np.float32]
    film: NDArray[np.uint16] | None
    refused: tuple[str, ...]


def body_shift_mm(
    view: BackView, camera_from_subject: NDArray[np.float64], centres_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(3,) mm to add to subject-frame positions: where the back view's body frame puts the middle of the spine.

    Rotations are left out on purpose: the target is the film's own upright frame, in which the truth is measured,
    and not that frame turned by the back view's errors in yaw and gravity.
    """
    middle = np.append(centres_mm.mean(axis=0), 1.0)
    return np.asarray((view.body_from_camera @ camera_from_subject @ middle - middle)[:3])


def render_seed(seed: int, tier: str, with_radiograph: bool) -> Rendered | None:
    """One subject through camera, gates and back view; None where every one of ``TRIES`` views is refused."""
    from calib.phantom.depth_camera import render_frames, sample_view, true_poses
    from calib.phantom.radiograph import render_radiograph
    from calib.phantom.sampler import sample_subject
    from calib.phantom.xray.picture import to_body_grid
    from edge.view.gates import Refusal
    from edge.view.see import see

    subject = otherwise_dressed(sample_subject(seed, tier))
    mean_of = int(np.random.default_rng([seed, MEAN_STREAM]).choice(MEAN_OF))
    refused: list[str] = []
    for attempt in range(TRIES):
        view = sample_view(np.random.default_rng([seed, VIEW_STREAM, attempt]), tier)
        frame = render_frames(subject, view, 1, seed, mean_of=mean_of)[0]
        seen = see(frame)
        if isinstance(seen, Refusal):
            refused.append(seen.reason)
            continue
        truth = subject.spine_radiograph
        shift = body_shift_mm(seen, true_poses(subject, view, 1, seed)[0], truth.centres_mm)
        film = None
        if with_radiograph:
            body = to_body_grid(render_radiograph(subject), (float(shift[0]), float(shift[1])))
            film = np.clip(np.rint(body / FILM_STEP), 0, 65535).astype(np.uint16)
        return Rendered(
            seed, np.rint(seen.surface_x_mm / SURFACE_STEP_MM).astype(np.int16), np.packbits(seen.mask),
            seen.colour, (truth.endplates_mm + shift).astype(np.float32), film,
            tuple(refused),
        )
    return None


def otherwise_dressed(subject: Subject) -> Subject:
    """The subject with its trousers worn up to 24 mm above or 26 mm below the posterior superior iliac spines.

    A waistband that always lay just below the spines would give them away, and nobody at a kiosk measures it.
    """
    from calib.phantom.relief import posterior_iliac_y_mm

    below_mm = np.random.default_rng([subject.traits.seed, WAISTBAND_STREAM]).uniform(-24.0, 26.0)
    torso = dataclasses.replace(subject.torso, waistband_y_mm=posterior_iliac_y_mm(subject) - below_mm)
    return dataclasses.replace(subject, torso=torso)


def has_radiograph(seed: int, share: float) -> bool:
    """Whether a subject is among the ``share`` that gets a radiograph: the same ones in every rendering."""
    return (seed * 7919) % 1000 < 1000 * share


def stored_sample(
    tier: str, seed: int, surface: NDArray[np.int16], mask: NDArray[np.uint8], colour: NDArray[np.uint8] | None,
    endplates_mm: NDArray[np.float32], film: NDArray[np.uint16] | None,
) -> TrainingSample:
    """The sample that the fields of a ``Rendered`` of ``tier`` stand for."""
    view = BackView(
        surface_x_mm=surface.astype(np.float32) * np.float32(SURFACE_STEP_MM),
        mask=np.unpackbits(mask).reshape(BACK_VIEW.rows, BACK_VIEW.cols).astype(bool),
        colour=colour, body_from_camera=np.eye(4),
    )
    attenuation = None if film is None else film.astype(np.float32) * np.float32(FILM_STEP)
    expert = EXPERTS.index(tier) if tier in EXPERTS else UNKNOWN_EXPERT
    as_seen = AS_SEEN_BY_TIER.get(tier, AS_SEEN)
    return TrainingSample(view, endplates_mm, attenuation, f"phantom:{seed}", as_seen, expert)


def _render_task(task: tuple[int, str, bool]) -> tuple[int, Rendered | None]:
    return task[0], render_seed(*task)


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def render_cache(folder: Path, tier: str, seeds: range, jobs: int, radiograph_share: float = 1.0) -> dict[str, int]:
    """Render what the cache lacks of ``seeds``; returns counts of subjects, of redrawn views by reason, of failures.

    Raises:
        UsageError: a range that crosses two splits.
    """
    one_split(seeds)
    target = folder / tier
    target.mkdir(parents=True, exist_ok=True)
    shards = [range(s, min(s + SHARD_SEEDS, seeds.stop)) for s in range(seeds.start, seeds.stop, SHARD_SEEDS)]
    missing = [s for s in shards if not _shard_path(target, s).exists()]
    tasks = [(seed, tier, has_radiograph(seed, radiograph_share)) for shard in missing for seed in shard]
    counts: dict[str, int] = {"subjects": 0, "left_out": 0}
    started = time.monotonic()
    with _workers(jobs, len(tasks)) as pool:
        results = pool.imap(_render_task, tasks, chunksize=2) if pool else map(_render_task, tasks)
        for shard in missing:
            rendered = []
            for _ in shard:
                _, one = next(results)
                counts["subjects" if one else "left_out"] += 1
                for reason in one.refused if one else ("every_view",):
                    counts[reason] = counts.get(reason, 0) + 1
                if one:
                    rendered.append(one)
                _report(target, counts, len(tasks), time.monotonic() - started)
            _write_shard(_shard_path(target, shard), rendered)
    if tasks:
        print(file=sys.stderr)
    return counts


def _workers(jobs: int, tasks: int) -> AbstractContextManager[Any]:
    # Spawned, not forked: a forked child of a process whose OpenCV or OpenMP has threads may wait for ever.
    if jobs <= 1 or tasks < SHARD_SEEDS:
        return nullcontext()
    return multiprocessing.get_context("spawn").Pool(jobs, initializer=_one_thread)


def _report(target: Path, counts: dict[str, int], total: int, seconds: float) -> None:
    done = counts["subjects"] + counts["left_out"]
    redrawn = " ".join(f"{k} {v}" for k, v in sorted(counts.items()) if k not in ("subjects", "left_out"))
    if not sys.stderr.isatty() and done % 64 and done != total:
        return
    left = (total - done) * seconds / max(done, 1)
    line = f"{target}: {done}/{total} subjects  {seconds / max(done, 1):.2f} s each  {left / 60:.1f} min left"
    print(line + (f"  redrawn: {redrawn}" if redrawn else ""), end="\r" if sys.stderr.isatty() else "\n",
          file=sys.stderr, flush=True)


def _shard_path(target: Path, seeds: range) -> Path:
    return target / f"seeds_{seeds.start}_{seeds.stop}.npz"


def _write_shard(path: Path, rendered: list[Rendered]) -> None:
    empty_colour = np.zeros((BACK_VIEW.rows, BACK_VIEW.cols, 3), np.uint8)
    films = [r.film for r in rendered if r.film is not None]
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        seed=np.array([r.seed for r in rendered], np.int64),
        surface=np.array([r.surface for r in rendered], np.int16).reshape(-1, BACK_VIEW.rows, BACK_VIEW.cols),
        mask=np.array([r.mask for r in rendered], np.uint8),
        colour=np.array([empty_colour if r.colour is None else r.colour for r in rendered], np.uint8),
        has_colour=np.array([r.colour is not None for r in rendered], bool),
        endplates_mm=np.array([r.endplates_mm for r in rendered], np.float32),
        has_film=np.array([r.film is not None for r in rendered], bool),
        film=np.array(films, np.uint16).reshape(-1, RADIOGRAPH.rows, RADIOGRAPH.cols),
    )
    os.replace(part, path)


class PhantomCache:
    """The subjects of one split in a cache, as a ``SampleSource``.

    Args:
        folder, tier: as for ``render_cache``. split: "train" or "validation": seeds of another split are never read.
        seeds: take only these; None takes every cached seed of the split.

    Raises:
        UsageError: ``seeds`` outside the split, or nothing in the cache.
    """

    def __init__(self, folder: Path, tier: str, split: str, seeds: range | None = None) -> None:
        if seeds is not None and {split_of(seeds[0]), split_of(seeds[-1])} != {split}:
            raise UsageError(f"seeds {seeds[0]}:{seeds[-1] + 1} are not {split} seeds",
                             mend="see calib.phantom.splits")
        self.tier = tier
        self._shards: list[dict[str, Any]] = []
        self._where: list[tuple[int, int, int]] = []  # shard, row, row among the films or -1
        self._seeds: list[int] = []
        for path in sorted((folder / tier).glob("seeds_*_*.npz")):
            first, end = (int(n) for n in path.stem.split("_")[1:3] if n.isdigit())
            if split_of(first) != split or (seeds is not None and (end <= seeds.start or first >= seeds.stop)):
                continue
            self._add(path, seeds)
        if not self._where:
            raise UsageError(f"no {split} subjects in the cache", where=str(folder / tier),
                             mend="run latx-export render first")

    def _add(self, path: Path, seeds: range | None) -> None:
        with np.load(path) as data:
            shard = {name: data[name] for name in data.files}
        film_row = np.where(shard["has_film"], np.cumsum(shard["has_film"]) - 1, -1)
        for row, seed in enumerate(shard["seed"].tolist()):
            if seeds is None or seed in seeds:
                self._where.append((len(self._shards), row, int(film_row[row])))
                self._seeds.append(seed)
        self._shards.append(shard)

    @property
    def described(self) -> str:
        """Tier and seed ranges, e.g. ``phantom typical 1000000:1004000 (3998 subjects)``."""
        return f"phantom {self.tier} {min(self._seeds)}:{max(self._seeds) + 1} ({len(self)} subjects)"

    @property
    def has_radiograph(self) -> list[bool]:
        """Per subject."""
        return [film_row >= 0 for _, _, film_row in self._where]

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, index: int) -> TrainingSample:
        which, row, film_row = self._where[index]
        shard = self._shards[which]
        return stored_sample(
            self.tier, self._seeds[index], shard["surface"][row], shard["mask"][row],
            shard["colour"][row] if shard["has_colour"][row] else None, shard["endplates_mm"][row],
            shard["film"][film_row] if film_row >= 0 else None,
        )
