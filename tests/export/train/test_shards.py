"""Shards hold what the cache holds; a cluster fills only what is missing; ranks and splits stay apart."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster

from edge.errors import UsageError
from export.model.config import EXPERTS
from export.train.dataset import training_batches
from export.train.phantom_source import PhantomCache, render_cache
from export.train.shard_stream import ShardStream
from export.train.shards import render_shards, shard_name, tier_of

SEEDS = range(1_000_000, 1_000_004)


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as running:
        yield running.scheduler_address


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cluster) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    counts = render_shards(folder, "sensor", SEEDS, 0.5, cluster, 1, shard_subjects=2)
    assert counts == {"subjects": 4, "left_out": 0}
    return folder


def test_a_shard_holds_what_the_cache_holds(folder: Path, tmp_path: Path) -> None:
    render_cache(tmp_path, "sensor", SEEDS, 1, 0.5)
    cache = PhantomCache(tmp_path, "sensor", "train")
    streamed = {s.source: s for s in ShardStream(folder).samples(0, endless=False)}
    assert len(streamed) == len(cache) == 4
    for cached in (cache[i] for i in range(len(cache))):
        other = streamed[cached.source]
        np.testing.assert_array_equal(other.view.surface_x_mm, cached.view.surface_x_mm)
        np.testing.assert_array_equal(other.view.mask, cached.view.mask)
        np.testing.assert_array_equal(other.endplates_mm, cached.endplates_mm)
        assert (other.log_attenuation is None) == (cached.log_attenuation is None)
        assert other.as_seen == cached.as_seen > 0
        assert other.expert == cached.expert == EXPERTS.index("sensor")


@pytest.mark.parametrize("tier", ["sensor", "typical-without-soft-tissue"])
def test_the_name_of_a_shard_tells_its_tier(tier: str) -> None:
    assert tier_of(shard_name(tier, SEEDS)) == tier


def test_a_second_rendering_fills_only_what_is_missing(folder: Path, cluster) -> None:
    first = sorted(folder.glob("*.tar"))[0]
    kept = {p: p.stat().st_mtime_ns for p in folder.glob("*.tar") if p != first}
    first.unlink()
    assert render_shards(folder, "sensor", SEEDS, 0.5, cluster, 1, shard_subjects=2)["subjects"] == 2
    assert first.exists()
    assert kept == {p: p.stat().st_mtime_ns for p in kept}
    assert not list(folder.glob("*.part"))


def test_ranks_read_shards_of_their_own(folder: Path) -> None:
    stream = ShardStream(folder)
    mine, theirs = ({s.source for s in stream.samples(0, rank, 2, endless=False)} for rank in (0, 1))
    assert len(mine) == len(theirs) == 2
    assert not mine & theirs


def test_the_stream_trains_without_end_and_follows_its_seed(folder: Path) -> None:
    def first_batches(seed: int) -> list[np.ndarray]:
        batches = training_batches(ShardStream(folder), 3, seed, 0, 0, 0, with_radiograph=False)
        return [b["back_view"].numpy() for b in itertools.islice(batches, 3)]

    one, again, other = first_batches(1), first_batches(1), first_batches(2)
    assert one[0].shape == (3, 8, 256, 128)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_only_subjects_with_a_radiograph_reach_stage_2(folder: Path) -> None:
    samples = list(ShardStream(folder).with_radiographs().samples(0, endless=False))
    assert samples
    assert all(s.log_attenuation is not None for s in samples)


def test_shards_of_another_split_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no shards"):
        ShardStream(tmp_path)
    (tmp_path / "phantom-sensor-validation-0100000-0100256.tar").write_bytes(b"")
    with pytest.raises(UsageError, match="not for training"):
        ShardStream(tmp_path)


def test_the_cluster_is_a_real_one(cluster) -> None:
    with Client(cluster) as client:
        assert client.submit(sum, [1, 2]).result() == 3
