"""Phantom subjects as WebDataset shards: rendered by a Dask cluster, one tar of a few hundred subjects at a time.

For training sets that outgrow one machine's cache. A tar holds one ``<seed>.sample.npz`` per subject, in the same
integer coding as the cache, so that a sample read from either is the same to the last bit.
"""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from calib.phantom.splits import one_split, split_of
from edge.errors import MissingDependencyError
from export.train.phantom_source import Rendered, has_radiograph, render_seed

if TYPE_CHECKING:
    from distributed import Client

SHARD_SUBJECTS: Final = 256
"""Subjects per tar: about 40 MB without radiographs, small enough to be one task of a cluster."""
ENTRY: Final = "sample.npz"


def shard_name(tier: str, seeds: range) -> str:
    """File name of a shard; says which split it belongs to."""
    return f"phantom-{tier}-{split_of(seeds[0])}-{seeds.start:07d}-{seeds.stop:07d}.tar"


def tier_of(name: str) -> str:
    """The tier in a file name of ``shard_name``; tiers may have dashes themselves."""
    return name.removeprefix("phantom-").rsplit("-", 3)[0]


def write_shard(folder: str, tier: str, first: int, end: int, radiograph_share: float) -> dict[str, int]:
    """Render the seeds ``first`` to ``end`` and write their tar; a task of the cluster. Returns counts."""
    import cv2
    import webdataset

    cv2.setNumThreads(1)
    seeds = range(first, end)
    path = Path(folder) / shard_name(tier, seeds)
    part = path.with_suffix(".part")
    counts = {"subjects": 0, "left_out": 0}
    with webdataset.TarWriter(str(part)) as tar:
        for seed in seeds:
            one = render_seed(seed, tier, has_radiograph(seed, radiograph_share))
            counts["subjects" if one else "left_out"] += 1
            if one is not None:
                tar.write({"__key__": f"{seed:07d}", ENTRY: encoded(one)})
    os.replace(part, path)
    return counts


def encoded(one: Rendered) -> bytes:
    """One subject as the bytes of a compressed npz; absent colour and film are absent there."""
    arrays: dict[str, Any] = {"surface": one.surface, "mask": one.mask, "endplates_mm": one.endplates_mm}
    arrays |= {name: value for name, value in (("colour", one.colour), ("film", one.film)) if value is not None}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def render_shards(
    folder: Path, tier: str, seeds: range, radiograph_share: float, scheduler: str | None, workers: int,
    shard_subjects: int = SHARD_SUBJECTS,
) -> dict[str, int]:
    """Render the shards of ``seeds`` that ``folder`` lacks; returns counts of subjects.

    Args:
        folder: must be the same path for every worker (a shared file system, or one machine).
        scheduler: address of a running Dask scheduler; None starts ``workers`` processes here.

    Raises:
        UsageError: seeds that cross two splits. MissingDependencyError: Dask or webdataset is not installed.
    """
    one_split(seeds)
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(seeds.start, seeds.stop, shard_subjects)
    shards = [range(s, min(s + shard_subjects, seeds.stop)) for s in starts]
    missing = [s for s in shards if not (folder / shard_name(tier, s)).exists()]
    total = {"subjects": 0, "left_out": 0}
    if not missing:
        return total
    with _client(scheduler, workers) as client:
        from distributed import as_completed

        started = time.monotonic()
        tasks = [
            client.submit(write_shard, str(folder), tier, s.start, s.stop, radiograph_share, pure=False)
            for s in missing
        ]
        for done, task in enumerate(as_completed(tasks), start=1):
            for name, count in task.result().items():
                total[name] += count
            seconds = time.monotonic() - started
            pace = sum(total.values()) / seconds
            left = seconds / done * (len(missing) - done)
            print(f"{folder}: {done}/{len(missing)} shards  {pace:.1f} subjects/s  {left / 60:.1f} min left",
                  file=sys.stderr, flush=True)
    return total


def _client(scheduler: str | None, workers: int) -> Client:
    try:
        import webdataset  # noqa: F401
        from distributed import Client
    except ImportError as missing:
        raise MissingDependencyError("rendering shards needs Dask and webdataset", found=str(missing),
                                     mend="pip install 'latxgen-edge[cluster]'") from None
    if scheduler:
        return Client(scheduler)
    return Client(n_workers=workers, threads_per_worker=1, dashboard_address=None)
