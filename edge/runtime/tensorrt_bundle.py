"""A bundle's engines: whether there are any, whether they may run here, and both stages open on them.

This is the border at which TensorRT is chosen or not; nobody asks again further in. Everything is checked before an
engine is deserialised. What was altered is refused always; what was only built elsewhere is refused where TensorRT is
demanded, and passed over with a warning where the choice is free.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from edge.errors import BundleError, MissingDependencyError
from edge.runtime.engine_manifest import (
    EngineManifest,
    PluginEntry,
    check_environment,
    engine_path,
    environment_of,
    read_engine_manifest,
    rebuild_command,
)
from edge.runtime.gpu import open_gpu
from edge.runtime.stages import STAGES
from edge.runtime.tensorrt_log import make_log
from edge.runtime.tensorrt_runner import TensorRtStages

_LOG: Final = logging.getLogger(__name__)


def open_engines(folder: Path, required: bool) -> TensorRtStages | None:
    """Both stages of the bundle in ``folder`` on TensorRT.

    Args:
        required: refuse where there are no engines or they are not for this machine; else the answer is None then.

    Raises:
        BundleError: an engine, its manifest or its source is altered, or one of two engines is missing; with
            ``required`` also an engine of another TensorRT, CUDA, GPU or plugin, naming the field.
        MissingDependencyError: ``required``, and TensorRT or a CUDA binding is not installed.
        ServiceError: the GPU cannot be used.
    """
    paths = {stage: engine_path(folder, stage) for stage in STAGES}
    if not any(path.exists() for path in paths.values()):
        if required:
            raise BundleError("the bundle has no TensorRT engines", where=str(folder),
                              expected=", ".join(path.name for path in paths.values()), found="none of them",
                              mend=f"build them on this device: {rebuild_command(folder, 'fp16')}")
        return None
    manifests = read_engine_manifests(folder)
    try:
        trt = import_tensorrt()
        gpu = open_gpu()
    except MissingDependencyError as failure:
        _refuse_or_warn(failure, required)
        return None
    try:
        here = environment_of(gpu.identity, trt.__version__)
        for stage, manifest in manifests.items():
            check_environment(manifest, paths[stage], here, rebuild_command(folder, manifest.precision))
            if manifest.plugin is not None:
                load_plugin(trt, manifest.plugin)
    except BundleError as failure:
        gpu.close()
        _refuse_or_warn(failure, required)
        return None
    engines = {stage: path.read_bytes() for stage, path in paths.items()}
    return TensorRtStages(trt, gpu, engines, {s: str(p) for s, p in paths.items()}, manifests["structure"].precision)


def read_engine_manifests(folder: Path) -> dict[str, EngineManifest]:
    """Sidecars of both stages' engines, held against all bytes.

    Raises:
        BundleError: see ``read_engine_manifest``; or the two were not built together.
    """
    manifests = {}
    for stage in STAGES:
        manifests[stage] = read_engine_manifest(engine_path(folder, stage), rebuild_command(folder, "fp16"))
    precisions = {stage: manifest.precision for stage, manifest in manifests.items()}
    if len(set(precisions.values())) > 1:
        raise BundleError("the two engines were not built together", where=str(folder), expected="one precision",
                          found=", ".join(f"{stage} {precision}" for stage, precision in precisions.items()),
                          mend=f"build them again: {rebuild_command(folder, 'fp16')}")
    return manifests


def import_tensorrt() -> Any:
    """The module ``tensorrt``.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import tensorrt
    except ImportError as failure:
        raise MissingDependencyError("TensorRT is not installed", expected="tensorrt 10.3 or newer",
                                     found=str(failure), mend="on a Jetson: apt install python3-libnvinfer") from None
    return tensorrt


def load_plugin(trt: Any, plugin: PluginEntry) -> None:
    """Make sure that TensorRT knows the plugin's creator, loading its library where it has one.

    Raises:
        BundleError: the library cannot be loaded or has no such creator; names both.
    """
    log = make_log(trt)
    trt.init_libnvinfer_plugins(log, plugin.namespace)
    registry = trt.get_plugin_registry()
    asked = (plugin.creator, plugin.version, plugin.namespace)
    # Asked first: TensorRT refuses to load a library whose plugins are registered already.
    if registry.get_creator(*asked) is None and plugin.library is not None:
        registry.load_library(plugin.library)
    if registry.get_creator(*asked) is None:
        raise BundleError("TensorRT does not know the plugin that the model needs",
                          where=plugin.library or f"TensorRT {trt.__version__} itself",
                          expected=f"creator {plugin.creator} version {plugin.version}",
                          found=log.reason(), mend="give --plugin the library that export/plugin builds")


def _refuse_or_warn(failure: BundleError | MissingDependencyError, required: bool) -> None:
    if required:
        raise failure
    _LOG.warning("running on ONNX Runtime, not on the bundle's TensorRT engines: %s", failure.line())
