"""Engines of both stages: built, tested in degrees, and only then put in place, each beside its manifest.

Until the last moment everything is a draft inside the bundle's folder; whatever goes wrong (a full disk, Ctrl-C, too
large a drift) the drafts vanish and the former engines stay. The manifest of an engine is renamed after the engine:
should the power fail in between, the old manifest refuses the new engine by its hash.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, cast

from edge.errors import BundleError, OutputError
from edge.runtime.bundle import Bundle as LoadedBundle
from edge.runtime.bundle import file_entry, load_bundle
from edge.runtime.engine_manifest import (
    EngineManifest,
    PluginEntry,
    SelfTest,
    engine_path,
    environment_of,
    sidecar_path,
)
from edge.runtime.gpu import Gpu
from edge.runtime.manifest import FileEntry, Manifest, TensorEntry
from edge.runtime.stages import STAGES
from edge.runtime.tensorrt_runner import TensorRtStages
from export.engine.build import BuildOptions, build_engine
from export.engine.degrees import LIMITS, Drift, drift
from export.engine.progress import Progress
from export.engine.source import Sources
from export.engine.timing_cache import cache_path, keep_cache, read_cache
from export.engine.views import Inputs


@dataclass(frozen=True)
class Job:
    """What to build and where. ``views_from`` names the recordings of ``views``, for the record.

    reference: the bundle whose FP32 files ONNX Runtime runs in the self-test; ``folder``, unless that calls a plugin.
    """

    folder: Path
    bundle: Manifest
    bundle_sha256: str
    precision: str
    sources: Sources
    options: BuildOptions
    plugin: PluginEntry | None
    views: Sequence[Inputs]
    views_from: str
    cache_folder: Path
    reference: Path


@dataclass(frozen=True)
class Built:
    """One engine that was built: its draft, seconds, and whether a timing cache helped."""

    draft: Path
    seconds: float
    cached: bool


def install_engines(trt: Any, open_gpu: Callable[[], Gpu], job: Job) -> dict[str, EngineManifest]:
    """Build both stages, hold them against ONNX Runtime, and put them in place.

    Raises:
        BundleError: TensorRT refuses a file, or the angles drift too far. OutputError: the disk is full or read-only.
        ServiceError: the GPU failed. KeyboardInterrupt: Ctrl-C. In each case the former files are as they were.
    """
    gpu = open_gpu()
    drafts = {stage: job.folder / f".{stage}.{os.getpid()}.engine.partial" for stage in STAGES}
    try:
        built = {stage: _build(trt, gpu, job, stage, draft) for stage, draft in drafts.items()}
        here = environment_of(gpu.identity, trt.__version__)
        stages = TensorRtStages(trt, gpu, {s: b.draft.read_bytes() for s, b in built.items()},
                                {s: str(engine_path(job.folder, s)) for s in STAGES}, job.precision)
        tested = _self_test(stages, job)
        manifests = {
            stage: EngineManifest(
                stage=stage, engine=_entry(built[stage].draft, engine_path(job.folder, stage).name),
                source=FileEntry(**file_entry(job.sources.files[stage])),
                precision=cast(Literal["fp32", "fp16", "int8"], job.precision),
                precision_reason=job.sources.reasons[stage], environment=here, plugin=job.plugin,
                inputs=_tensors(stages.specs(stage)[0]), outputs=_tensors(stages.specs(stage)[1]),
                builder={"workspace_bytes": job.options.workspace_bytes, "seconds": round(built[stage].seconds, 2),
                         "optimization_level": job.options.optimization_level, "strongly_typed": True,
                         "timing_cache": "used" if built[stage].cached else "new"},
                self_test=tested, created_at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
            for stage in STAGES
        }
        _put_in_place(job.folder, drafts, manifests)
    except OSError as failure:
        raise OutputError("cannot write the engine", where=str(job.folder), expected="a writable folder with room",
                          found=failure.strerror or str(failure), mend="free space and build again") from failure
    finally:
        gpu.close()
        for draft in drafts.values():
            for path in (draft, sidecar_path(draft)):
                with contextlib.suppress(OSError):
                    path.unlink()
    return manifests


def _build(trt: Any, gpu: Gpu, job: Job, stage: str, draft: Path) -> Built:
    here = environment_of(gpu.identity, trt.__version__)
    cache_file = cache_path(job.cache_folder, here, job.options)
    cache = read_cache(cache_file)
    start = time.perf_counter()
    engine, left = build_engine(trt, job.sources.files[stage], job.options, Progress(f"{stage:10s}"), cache)
    seconds = time.perf_counter() - start
    _write_through(draft, engine)
    with contextlib.suppress(OutputError):  # a convenience for the next build; this one has its engine
        keep_cache(cache_file, left)
    return Built(draft, seconds, bool(cache))


def _self_test(stages: TensorRtStages, job: Job) -> SelfTest:
    ours = LoadedBundle(job.bundle, job.bundle_sha256, stages.structure, stages.radiograph, job.folder, stages)
    with load_bundle(job.reference, runtime="onnxruntime") as reference, ours:
        found = drift(ours, reference, job.views)
    _hold(found, job)
    return SelfTest(views=len(job.views), source=job.views_from, mean_deg=found.per_angle("mean"),
                    worst_deg=found.per_angle("max"), radiograph_of_range=round(found.radiograph, 6))


def _hold(found: Drift, job: Job) -> None:
    limit = LIMITS[job.precision]
    if found.mean_deg <= limit.mean_deg and found.worst_deg <= limit.worst_deg:
        return
    worst = max(found.per_angle("max").items(), key=lambda item: item[1])
    raise BundleError("the engine moves the angles too far from ONNX Runtime's, and was not installed",
                      where=str(job.folder),
                      expected=f"a mean of at most {limit.mean_deg} and a worst of {limit.worst_deg} degrees",
                      found=f"mean {found.mean_deg:.3f}, worst {worst[1]:.3f} degrees ({worst[0]})",
                      mend="latx-export bisect names the first node that is off; build a wider --precision")


def _put_in_place(folder: Path, drafts: dict[str, Path], manifests: dict[str, EngineManifest]) -> None:
    for stage, draft in drafts.items():  # first everything that can run out of space
        _write_through(sidecar_path(draft), (manifests[stage].model_dump_json(indent=1) + "\n").encode())
    for stage, draft in drafts.items():
        os.replace(draft, engine_path(folder, stage))
    for stage, draft in drafts.items():
        os.replace(sidecar_path(draft), sidecar_path(engine_path(folder, stage)))
    folder_handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(folder_handle)
    finally:
        os.close(folder_handle)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _entry(path: Path, name: str) -> FileEntry:
    return FileEntry(**{**file_entry(path), "file": name})


def _tensors(specs: Any) -> tuple[TensorEntry, ...]:
    return tuple(TensorEntry(name=s.name, shape=s.shape, dtype=s.dtype) for s in specs)
