"""What the stand-in's classes share: one make-believe installation of TensorRT, and its manner of complaining."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from export.engine.stand_in.cuda import StandInCuda

PLUGIN_MAGIC: Final = "plugins:"
"""A file that starts so is a plugin library; the names of its creators follow, with commas."""
STRONGLY_TYPED: Final = 1
"""Bit of ``NetworkDefinitionCreationFlag``."""

Creator = tuple[str, str, str]
"""Name, version and namespace of a plugin."""


class ILogger:
    """``trt.ILogger``; what derives from it has to call its initialiser."""

    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def __init__(self) -> None:
        self.ready = True


class IProgressMonitor:
    """``trt.IProgressMonitor``."""

    def __init__(self) -> None:
        self.ready = True


@dataclass
class Installation:
    """One TensorRT on one GPU.

    creators: plugins that are known to the registry. refuse_build: a message with which the builder fails, or "".
    """

    gpu: StandInCuda
    version: str
    refuse_build: str
    creators: set[Creator] = field(default_factory=set)

    def newer(self, than: tuple[int, int]) -> bool:
        """Whether its version is ``than`` or newer."""
        return tuple(int(part) for part in self.version.split(".")[:2]) >= than


class Registry:
    """``trt.get_plugin_registry()``."""

    def __init__(self, installation: Installation) -> None:
        self._creators = installation.creators

    def get_creator(self, name: str, version: str, namespace: str = "") -> object | None:
        """The plugin's creator, or None."""
        return SimpleNamespace(name=name) if (name, version, namespace) in self._creators else None

    def load_library(self, path: str) -> object | None:
        """Register what the file holds; None where it is no library, or holds what is registered already."""
        text = Path(path).read_text() if Path(path).is_file() else ""
        if not text.startswith(PLUGIN_MAGIC):
            return None
        names = {(name.strip(), "1", "") for name in text[len(PLUGIN_MAGIC):].split(",")}
        if names & self._creators:  # "The call will fail if any of the plugins are already registered"
            return None
        self._creators.update(names)
        return object()


def complain(logger: Any, message: str) -> None:
    """Log an error where TensorRT logs one.

    Raises:
        RuntimeError: the logger's initialiser was not called.
    """
    if not getattr(logger, "ready", False):
        raise RuntimeError("the logger's own initialiser was not called; TensorRT would crash here")
    logger.log(ILogger.ERROR, message)


def check_ready(logger: Any) -> None:
    """Refuse a logger whose initialiser was not called.

    Raises:
        TypeError: as TensorRT does.
    """
    if not getattr(logger, "ready", False):
        raise TypeError("TensorRT takes a logger whose own initialiser was called")
