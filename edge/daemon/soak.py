"""The daemon for a long time at full rate: whether memory, threads or descriptors grow, and how even its frames are."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge.config.models import Config
from edge.daemon.bench import looped
from edge.daemon.service import Service
from edge.runtime.bundle import Bundle

SETTLE_FRAMES: Final = 30
SETTLE_SCANS: Final = 2
"""Frames and results before the figures count: caches fill, pictures are drawn for the first time."""
SAMPLE_S: Final = 1.0
WINDOW: Final = 0.1
"""Share of the samples at either end whose median stands for it: a single one would be noise."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Footprint:
    """What the process holds at one moment."""

    rss_bytes: int
    threads: int
    descriptors: int

    @classmethod
    def now(cls) -> Footprint:
        """Of this process, from procfs."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(pages * _PAGE, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")))


@dataclass(frozen=True)
class SoakFigures:
    """What was found between settling and the end."""

    seconds: float
    frames: int
    scans: int
    p50_ms: float
    p99_ms: float
    rss_start_mb: float
    rss_end_mb: float
    threads_start: int
    threads_end: int
    descriptors_start: int
    descriptors_end: int

    @property
    def growth(self) -> float:
        """Growth of the resident memory, as a share."""
        return self.rss_end_mb / self.rss_start_mb - 1

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {key: round(value, 3) for key, value in asdict(self).items()} | {"growth": round(self.growth, 5)}


def soak(uri: str, bundle: Bundle, seconds: float, on_sample: Callable[[float], None] | None = None) -> SoakFigures:
    """Turn a daemon over a recording without end for ``seconds``, live and with one scan after the other.

    Args:
        on_sample: told the seconds so far, about once a second.
    """
    with tempfile.TemporaryDirectory(prefix="latx-soak-") as folder:
        config = Config.model_validate({
            "camera": {"uri": looped(uri)}, "storage": {"out": str(Path(folder, "scans"))}, "health": {"port": 0},
            "live": {"enabled": True, "max_hz": 120}, "outbox": {"min_free_mb": 0},
            "scan": {"hold_s": 0.2, "spacing_s": 0.05, "repeat_after_s": 0.5, "over_s": 60},
        })  # fmt: skip
        service = Service(config, bundle=lambda _: bundle)
        try:
            service.daemon.warm_up()
            return _soaked(service, seconds, on_sample)
        finally:
            service.close()


def _soaked(service: Service, seconds: float, on_sample: Callable[[float], None] | None) -> SoakFigures:
    attention, entered = service.daemon.attention, service.daemon.machine.entered
    while attention.looked_at < SETTLE_FRAMES or entered["result"] < SETTLE_SCANS:
        service.daemon.turn()
    samples, times = [Footprint.now()], list[float]()
    began, scans = time.monotonic(), entered["result"]
    while (elapsed := time.monotonic() - began) < seconds:
        before, start = attention.looked_at, time.perf_counter()
        service.daemon.turn()
        if attention.looked_at > before:
            times.append((time.perf_counter() - start) * 1e3)
        if elapsed >= SAMPLE_S * len(samples):
            samples.append(Footprint.now())
            if on_sample is not None:
                on_sample(elapsed)
    window = max(1, round(WINDOW * len(samples)))
    first, last = (_median_mb(part) for part in (samples[:window], samples[-window:]))
    p50, p99 = np.percentile(times, [50, 99])
    return SoakFigures(
        elapsed, len(times), entered["result"] - scans, float(p50), float(p99), first, last, samples[0].threads,
        samples[-1].threads, samples[0].descriptors, samples[-1].descriptors,
    )  # fmt: skip


def _median_mb(samples: list[Footprint]) -> float:
    return float(np.median([sample.rss_bytes for sample in samples])) / 1e6
