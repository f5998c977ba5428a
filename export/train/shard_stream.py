"""WebDataset shards as an endless stream of training batches, each process and each worker with shards of its own.

Unlike a cache, a stream has no index: a resumed run goes on with another order of the shards, drawn from the step at
which it resumes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from edge.errors import MissingDependencyError, UsageError
from export.train.phantom_source import stored_sample
from export.train.sample import TrainingSample
from export.train.shards import ENTRY, tier_of

SHUFFLED: Final = 512
"""Samples held back for shuffling, beyond the shuffling of the shards."""


class ShardStream:
    """The training shards of a folder.

    Raises:
        UsageError: the folder holds none, or shards of a split that is not for training.
        MissingDependencyError: webdataset is not installed.
    """

    def __init__(self, folder: Path, with_radiograph: bool = False) -> None:
        try:
            import webdataset  # noqa: F401
        except ImportError:
            raise MissingDependencyError("reading shards needs webdataset",
                                         mend="pip install 'latxgen-edge[cluster]'") from None
        self._folder = folder
        self.paths = sorted(folder.glob("phantom-*.tar"))
        self.only_radiographs = with_radiograph
        if not self.paths:
            raise UsageError("no shards in the folder", where=str(folder), expected="phantom-*.tar",
                             mend="run latx-export shards first")
        foreign = [p.name for p in self.paths if p.name.split("-")[2] != "train"]
        if foreign:
            raise UsageError("a shard that is not for training", where=str(folder), expected="train",
                             found=foreign[0], mend="keep validation and test shards in folders of their own")

    @property
    def described(self) -> str:
        """Which shards, e.g. ``phantom shards typical 1000000 to typical 1000512 (2 shards)``."""
        first, last = (path.stem.split("-") for path in (self.paths[0], self.paths[-1]))
        return f"phantom shards {first[1]} {int(first[3])} to {last[1]} {int(last[4])} ({len(self.paths)} shards)"

    def with_radiographs(self) -> ShardStream:
        """The same shards, without the subjects that have no radiograph."""
        return ShardStream(self._folder, with_radiograph=True)

    def samples(self, seed: int, rank: int = 0, world: int = 1, endless: bool = True) -> Iterable[TrainingSample]:
        """Decoded samples: of this rank's shards, and of this worker's where a ``DataLoader`` iterates.

        Not endless, every sample of the shards comes once over all ranks and workers.
        """
        import webdataset as wds

        mine = [str(path) for path in self.paths[rank::world]] or [str(path) for path in self.paths]
        shards = wds.ResampledShards(mine, seed=seed, deterministic=True) if endless else wds.SimpleShardList(mine)
        split = [] if endless else [wds.split_by_worker]
        shuffle = [wds.shuffle(SHUFFLED, seed=seed)] if endless else []
        pipeline = wds.DataPipeline(shards, *split, wds.tarfile_to_samples(), *shuffle, wds.map(decoded))
        if self.only_radiographs:
            return pipeline.compose(wds.select(_has_film))
        return pipeline

    def batches(
        self, batch: int, seed: int, rank: int, world: int, first_step: int, workers: int, with_radiograph: bool
    ) -> Iterator[dict[str, Tensor]]:
        """Endless augmented batches for one training process."""
        start = int(np.random.default_rng([seed, rank, first_step]).integers(2**31))
        dataset = _Tensors(self, start, rank, world, with_radiograph)
        loader: Any = torch.utils.data.DataLoader(
            dataset, batch_size=batch, num_workers=workers, prefetch_factor=3 if workers else None
        )
        return iter(loader)


class _Tensors(torch.utils.data.IterableDataset[dict[str, Tensor]]):
    """The stream as augmented tensors."""

    def __init__(self, stream: ShardStream, seed: int, rank: int, world: int, with_radiograph: bool) -> None:
        self.stream, self.seed, self.rank, self.world = stream, seed, rank, world
        self.with_radiograph = with_radiograph

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        from export.train.dataset import tensors

        worker = torch.utils.data.get_worker_info()
        if worker is not None:
            torch.set_num_threads(1)
        seed = self.seed + (worker.id if worker else 0)
        rng = np.random.default_rng(seed)
        for sample in self.stream.samples(seed, self.rank, self.world):
            yield tensors(sample, int(rng.integers(2**62)), self.with_radiograph)


def decoded(entry: dict[str, Any]) -> TrainingSample:
    """A sample of the tar as the cache would give it."""
    with np.load(io.BytesIO(entry[ENTRY])) as data:
        arrays = {name: data[name] for name in data.files}
    return stored_sample(
        tier_of(Path(entry["__url__"]).name), int(entry["__key__"]), arrays["surface"], arrays["mask"],
        arrays.get("colour"), arrays["endplates_mm"], arrays.get("film"),
    )


def _has_film(sample: TrainingSample) -> bool:
    return sample.log_attenuation is not None
