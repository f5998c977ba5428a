"""A stand-in for the module ``tensorrt``: the calls that we make, computed by ONNX Runtime, refused as it refuses.

What TensorRT answers with None and a logged error is None and a logged error here: a foreign engine, an operator that
its parser lacks, an unknown plugin, a tensor without an address, an address that is not the GPU's.
"""

from __future__ import annotations

import types
from functools import partialmethod
from types import SimpleNamespace
from typing import Any

from export.engine.stand_in.builder import Builder
from export.engine.stand_in.cuda import StandInCuda
from export.engine.stand_in.execution import NUMPY_TYPES, Runtime
from export.engine.stand_in.installation import STRONGLY_TYPED, ILogger, Installation, IProgressMonitor, Registry
from export.engine.stand_in.parser import OnnxParser


def stand_in_tensorrt(gpu: StandInCuda, version: str = "10.3.0", refuse_build: str = "") -> types.ModuleType:
    """A module to import as ``tensorrt``.

    Args:
        gpu: whose memory and streams it uses.
        version: 10.x or 11.x; what 11 removed is not there then, and what 11.2 brought is.
        refuse_build: a message with which the builder fails.
    """
    installation = Installation(gpu, version, refuse_build)
    if installation.newer((11, 2)):
        installation.creators.add(("FFTPlugin", "1", ""))
    registry = Registry(installation)
    flags = {"TF32": "TF32"} if installation.newer((11, 0)) else {"TF32": "TF32", "FP16": "FP16"}
    members: dict[str, Any] = {
        "__version__": version, "ILogger": ILogger, "IProgressMonitor": IProgressMonitor,
        "Builder": _of(installation, Builder), "OnnxParser": _of(installation, OnnxParser),
        "Runtime": _of(installation, Runtime), "get_plugin_registry": lambda: registry,
        "init_libnvinfer_plugins": lambda _logger, _namespace: True, "nptype": NUMPY_TYPES.__getitem__,
        "TensorIOMode": SimpleNamespace(INPUT="INPUT", OUTPUT="OUTPUT"),
        "MemoryPoolType": SimpleNamespace(WORKSPACE="WORKSPACE"),
        "NetworkDefinitionCreationFlag": SimpleNamespace(STRONGLY_TYPED=STRONGLY_TYPED),
        "ProfilingVerbosity": SimpleNamespace(DETAILED="DETAILED"), "BuilderFlag": SimpleNamespace(**flags),
    }
    module = types.ModuleType("tensorrt")
    module.__dict__.update(members)
    return module


def _of(installation: Installation, kind: type) -> type:
    """``kind`` as its users make it: without saying of which installation."""
    return type(kind.__name__, (kind,), {"__init__": partialmethod(kind.__init__, installation)})  # type: ignore[misc]
