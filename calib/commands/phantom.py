"""``latx-calib phantom``: recordings, radiographs and truth of phantom subjects, from their seeds."""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.pool
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calib.phantom.tiers import TIER_HELP, TIERS
from edge.errors import LatxError, MissingDependencyError, UsageError

if TYPE_CHECKING:
    from calib.phantom.mount import View


@dataclass(frozen=True)
class _Task:
    seed: int
    tier: str
    folder: Path
    frames: int
    view: View | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this subcommand."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="one subject, written to DIR itself")
    which.add_argument("--seeds", metavar="A:B", help="subjects A to B-1, each written to DIR/<seed>")
    parser.add_argument("--tier", choices=TIERS, metavar="TIER", default="typical",
                        help="realism: " + TIER_HELP + " (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument("--frames", type=int, default=12, help="frames of the recording (default: 12)")
    parser.add_argument("--jobs", type=int, default=0, help="processes (default: one per core)")
    mount = parser.add_argument_group("mount", "by default drawn from the seed; any of these gives a straight mount")
    mount.add_argument("--camera", metavar="MODEL", help='camera and mode, e.g. "D455 1280x720" or "D435i 848x480"')
    mount.add_argument("--distance", type=float, metavar="M", help="metres behind the back (default: 1.2)")
    mount.add_argument("--pitch", type=float, metavar="DEG", help="positive looks down")
    mount.add_argument("--roll", type=float, metavar="DEG", help="positive turns the camera clockwise")
    mount.add_argument("--yaw", type=float, metavar="DEG", help="positive sees the subject from its right")


def run(args: argparse.Namespace) -> int:
    """Write the phantoms that the options name.

    Raises:
        UsageError: bad seeds, frames, jobs or mount.
        OutputError: a folder cannot be written or holds something else.
    """
    if args.frames < 1:
        raise UsageError("too few frames", expected="--frames 1 or more", found=str(args.frames))
    if args.jobs < 0:
        raise UsageError("bad number of processes", expected="--jobs 0 or more", found=str(args.jobs))
    try:
        import numba  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "the phantom needs a package that is not installed", expected=str(error.name), found="nothing",
            mend="pip install 'latxgen-edge[phantom]'",
        ) from error
    from calib.phantom.splits import split_of

    seeds = _seeds(args)
    for seed in (seeds[0], seeds[-1]):
        split_of(seed)
    view = _view(args)
    single = args.seed is not None
    tasks = [
        _Task(seed, args.tier, args.out if single else args.out / f"{seed:08d}", args.frames, view) for seed in seeds
    ]
    if single:
        _write(tasks[0])
        print(args.out)
    else:
        _write_many(tasks, args.out, args.jobs or os.cpu_count() or 1)
    return 0


def _seeds(args: argparse.Namespace) -> range:
    if args.seed is not None:
        return range(args.seed, args.seed + 1)
    first, colon, last = args.seeds.partition(":")
    if not (colon and first.isdigit() and last.isdigit()) or int(last) <= int(first):
        raise UsageError("not a range of seeds", expected="--seeds A:B with A < B", found=args.seeds)
    return range(int(first), int(last))


def _view(args: argparse.Namespace) -> View | None:
    given = {
        name: value
        for name, value in (
            ("distance_m", args.distance), ("pitch_deg", args.pitch), ("roll_deg", args.roll), ("yaw_deg", args.yaw),
        )
        if value is not None
    }
    if not given and args.camera is None:
        return None
    from calib.phantom.mount import straight_view

    return straight_view(args.camera or "D435i 1280x720", **given)


def _write(task: _Task) -> tuple[int, str]:
    """Write one subject; returns its seed and what went wrong (empty: nothing)."""
    from calib.phantom.scene import write_phantom

    write_phantom(task.seed, task.tier, task.folder, task.frames, task.view)
    return task.seed, ""


def _try_write(task: _Task) -> tuple[int, str]:
    from calib.phantom.scene import is_written

    # A drawn mount makes the folder a function of seed and tier: what an interrupted run has left is kept.
    if task.view is None and is_written(task.folder, task.seed, task.tier, task.frames):
        return task.seed, ""
    try:
        return _write(task)
    except LatxError as error:
        return task.seed, error.line()


def _write_many(tasks: list[_Task], out: Path, jobs: int) -> None:
    from edge.errors import OutputError

    failures = []
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError("cannot make the folder", where=str(out), found=str(error.strerror)) from error
    with _pool(min(jobs, len(tasks)), out) as pool:
        for done, (seed, failure) in enumerate(pool.imap_unordered(_try_write, tasks), 1):
            if failure:
                failures.append((seed, failure))
            _progress(done, len(tasks))
    print(out)
    if failures:
        raise OutputError(
            f"{len(failures)} of {len(tasks)} subjects could not be written; the first was seed {failures[0][0]}: "
            f"{failures[0][1]}", where=str(out),
        )


def _progress(done: int, total: int) -> None:
    if not sys.stderr.isatty() and done != total and done % 50:
        return
    filled = 30 * done // total
    bar = f"\r[{'#' * filled}{'.' * (30 - filled)}] {done}/{total}"
    print(bar if sys.stderr.isatty() else bar[1:], end="" if done < total and sys.stderr.isatty() else "\n",
          file=sys.stderr, flush=True)


@contextmanager
def _pool(jobs: int, out: Path) -> Iterator[multiprocessing.pool.Pool]:
    """Workers that leave Ctrl-C to this process, and no half-written folder whatever ends them."""
    # Workers started afresh: forking after numba or OpenCV have made threads can hang.
    pool = multiprocessing.get_context("spawn").Pool(jobs, initializer=_quiet_worker)
    workers = [process.pid for process in pool._pool]  # type: ignore[attr-defined]
    try:
        yield pool
        pool.close()
    finally:
        pool.terminate()
        pool.join()
        for worker in workers:
            for left in out.glob(f".*.{worker}.partial"):
                shutil.rmtree(left, ignore_errors=True)


def _quiet_worker() -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
