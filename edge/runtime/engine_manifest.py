"""The sidecar manifest of a TensorRT engine, and the checks that an engine must pass before it is deserialised.

An engine is machine code for one TensorRT, one CUDA and one GPU; TensorRT reads a foreign or altered one as best
it can, up to a crash. So the engine's own bytes stay untouched, and everything known about them stands beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import pydantic
from pydantic import Field

from edge.errors import BundleError
from edge.runtime.bundle import check_file, sha256_of
from edge.runtime.gpu import GpuIdentity
from edge.runtime.manifest import FileEntry, Sha256, StrictModel, TensorEntry

ENGINE_SCHEMA_VERSION: Final = "1.0"
SIDECAR_SUFFIX: Final = ".json"


class PluginEntry(StrictModel):
    """The plugin that the engine calls. ``library``: None where TensorRT itself brings it (11.2 and newer)."""

    creator: str
    version: str
    namespace: str = ""
    library: str | None = Field(description="Absolute path of the shared library.")
    sha256: Sha256 | None


class Environment(StrictModel):
    """What an engine is tied to. ``driver`` and ``l4t`` are for the record; all others must be the same to run it."""

    tensorrt: str
    cuda: str
    gpu: str
    compute_capability: str
    multiprocessors: int
    driver: str
    l4t: str = ""


BOUND_FIELDS: Final = ("tensorrt", "cuda", "gpu", "compute_capability", "multiprocessors")
"""Fields of ``Environment`` that must be the same where an engine runs."""


class SelfTest(StrictModel):
    """How far the engine's angles are from ONNX Runtime's on the FP32 files, over real back views."""

    views: int = Field(ge=1)
    source: str
    mean_deg: dict[str, float] = Field(description="Mean absolute difference per angle, degrees.")
    worst_deg: dict[str, float] = Field(description="Largest difference per angle, degrees.")
    radiograph_of_range: float = Field(description="95th percentile of the radiograph's difference, of its range.")


class EngineManifest(StrictModel):
    """``STAGE.engine.json``."""

    schema_version: Literal["1.0"] = ENGINE_SCHEMA_VERSION
    stage: str
    engine: FileEntry
    source: FileEntry = Field(description="The ONNX file that the engine was built from.")
    precision: Literal["fp32", "fp16", "int8"]
    precision_reason: str = Field(description="Why layers have the precision that they have.")
    environment: Environment
    plugin: PluginEntry | None
    inputs: tuple[TensorEntry, ...]
    outputs: tuple[TensorEntry, ...]
    builder: dict[str, Any] = Field(description="Workspace, optimisation level, seconds, state of the timing cache.")
    self_test: SelfTest
    created_at: str


def engine_path(folder: Path, stage: str) -> Path:
    """Where a bundle's engine of a stage lies; its sidecar is ``sidecar_path`` of it."""
    return folder / f"{stage}.engine"


def sidecar_path(engine: Path) -> Path:
    """The manifest beside an engine."""
    return engine.with_name(engine.name + SIDECAR_SUFFIX)


def read_engine_manifest(engine: Path, rebuild: str) -> EngineManifest:
    """The sidecar of an engine, held against the engine's and the source's bytes.

    Args:
        rebuild: the command that builds the engine anew, for the errors.

    Raises:
        BundleError: no sidecar, one that does not fit, or an engine or source file that is missing or altered.
    """
    path = sidecar_path(engine)
    try:
        manifest = EngineManifest.model_validate_json(path.read_bytes())
    except OSError as failure:
        raise BundleError("the engine has no manifest", where=str(path), expected="one that latx-export wrote",
                          found=failure.strerror or str(failure), mend=f"build it again: {rebuild}") from None
    except pydantic.ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise BundleError("the engine's manifest does not fit", where=f"{path} ({field})", expected=first["msg"],
                          found=repr(first["input"])[:80], mend=f"build it again: {rebuild}") from None
    if manifest.engine.file != engine.name:
        raise BundleError("the engine's manifest belongs to another file", where=f"{path} (engine.file)",
                          expected=engine.name, found=manifest.engine.file, mend=f"build it again: {rebuild}")
    check_file(engine.parent, manifest.engine, f"build it again: {rebuild}", "the engine")
    check_file(engine.parent, manifest.source, f"build it again: {rebuild}", "the engine's source file")
    return manifest


def check_environment(manifest: EngineManifest, engine: Path, here: Environment, rebuild: str) -> None:
    """Hold an engine against the machine that is to run it.

    Raises:
        BundleError: the first field that differs, and the command that rebuilds.
    """
    for field in BOUND_FIELDS:
        built, found = getattr(manifest.environment, field), getattr(here, field)
        if built != found:
            raise BundleError("the engine was built elsewhere", where=f"{engine} (environment.{field})",
                              expected=str(built), found=str(found), mend=f"build it here: {rebuild}")
    plugin = manifest.plugin
    if plugin is None or plugin.library is None:
        return
    library = Path(plugin.library)
    found = sha256_of(library)[:16] if library.is_file() else "no such file"
    if found != (plugin.sha256 or "")[:16]:
        raise BundleError("the engine's plugin library is another one", where=f"{engine} (plugin: {library})",
                          expected=f"sha256 {(plugin.sha256 or '')[:16]}", found=found,
                          mend=f"build it again: {rebuild} --plugin {library}")


def environment_of(gpu: GpuIdentity, tensorrt: str) -> Environment:
    """This machine, as engines are checked against it."""
    return Environment(tensorrt=tensorrt, cuda=gpu.cuda, gpu=gpu.name, compute_capability=gpu.compute_capability,
                       multiprocessors=gpu.multiprocessors, driver=gpu.driver, l4t=_l4t())


def rebuild_command(folder: Path, precision: str) -> str:
    """The command that builds a bundle's engines on this device."""
    return f"latx-export engine {folder} --precision {precision}"


def _l4t() -> str:
    try:
        return Path("/etc/nv_tegra_release").read_text(encoding="utf-8").splitlines()[0][:120]
    except (OSError, IndexError):
        return ""
