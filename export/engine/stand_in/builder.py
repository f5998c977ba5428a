"""The stand-in's builder: a network and its configuration become an engine's bytes, with progress told on the way.

An engine is a header line (TensorRT's version, the GPU) and the ONNX file.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, Final

from export.engine.stand_in.installation import STRONGLY_TYPED, Installation, check_ready, complain

MAGIC: Final = b"ftrt-stand-in "
PHASES: Final = (("Building engine", None, 3), ("Building engine from subgraph", "Building engine", 40))
"""Name, parent and steps of what a progress monitor is told."""


class Network:
    """``trt.INetworkDefinition``, filled by the parser."""

    def __init__(self, flags: int) -> None:
        self.flags, self.model, self.num_layers = flags, b"", 0
        self.types: set[str] = set()


class Config:
    """``trt.IBuilderConfig``."""

    def __init__(self, installation: Installation) -> None:
        gpu = installation.gpu
        self._key = f"{installation.version} {gpu.name} {gpu.capability}".encode()
        self.progress_monitor: Any = None
        self.pools: dict[str, int] = {}
        self.builder_optimization_level = 3
        self.profiling_verbosity: Any = None
        self.cache: Any = None

    def clear_flag(self, flag: str) -> None:
        """Remember which flag was cleared."""
        self.cleared = flag

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        """Remember the limit, bytes."""
        self.pools[pool] = size

    def create_timing_cache(self, data: bytes) -> Any:
        """A cache from its bytes, or an empty one; it fits where version and GPU are its own."""
        fits = not data or data.startswith(self._key)
        kept = data or self._key
        return SimpleNamespace(fits=fits, data=kept, serialize=lambda: kept)

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        """Take the cache; False where it does not fit."""
        taken = bool(cache.fits or ignore_mismatch)
        if taken:
            self.cache = cache
        return taken

    def get_timing_cache(self) -> Any:
        """The cache that was taken, or None."""
        return self.cache


class Builder:
    """``trt.Builder``."""

    def __init__(self, installation: Installation, logger: Any) -> None:
        check_ready(logger)
        self._installation, self._logger = installation, logger

    def create_network(self, flags: int = 0) -> Network:
        """An empty network."""
        return Network(flags)

    def create_builder_config(self) -> Config:
        """A configuration with TensorRT's defaults."""
        return Config(self._installation)

    def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
        """The engine's bytes; None and a logged error where TensorRT gives none."""
        refusal = self._refusal(network, config)
        if refusal:
            complain(self._logger, refusal)
            return None
        gpu = self._installation.gpu
        header = json.dumps({"tensorrt": self._installation.version, "gpu": gpu.name, "capability": gpu.capability})
        return MAGIC + header.encode() + b"\n" + network.model

    def _refusal(self, network: Network, config: Config) -> str:
        if self._installation.refuse_build:
            return self._installation.refuse_build
        if not network.flags & 1 << STRONGLY_TYPED and "FLOAT16" in network.types:
            return "a file with its own precisions needs a strongly typed network"
        if not _build_steps(config.progress_monitor):
            return "Build was cancelled by the progress monitor"
        return ""


def _build_steps(monitor: Any) -> bool:
    """Report phases and steps as the builder does; False where the monitor asked to stop."""
    if monitor is None:
        return True
    going_on = True
    for name, parent, steps in PHASES:
        monitor.phase_start(name, parent, steps)
        for step in range(steps):
            going_on = going_on and monitor.step_complete(name, step)
    for name, _, _ in reversed(PHASES):
        monitor.phase_finish(name)
    return going_on
