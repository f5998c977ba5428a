"""Which plugin a bundle's files call, and where its creator comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge.errors import BundleError
from edge.runtime.bundle import sha256_of
from edge.runtime.engine_manifest import PluginEntry
from edge.runtime.manifest import Manifest

FFT_CREATOR: Final = ("FFTPlugin", "1", "")
"""Name, version and namespace: of the plugin that TensorRT itself has from 11.2 on; ours takes its place before."""


def needed_plugin(bundle: Manifest, library: Path | None) -> PluginEntry | None:
    """The plugin that a bundle needs, or None.

    Args:
        library: of our own plugin; None where TensorRT brings the stock one.

    Raises:
        BundleError: there is no such library.
    """
    if bundle.fft_lowering != "plugin":
        return None
    name, version, namespace = FFT_CREATOR
    if library is None:
        return PluginEntry(creator=name, version=version, namespace=namespace, library=None, sha256=None)
    if not library.is_file():
        raise BundleError("there is no plugin library here", where=str(library), expected="a shared library",
                          found="no such file", mend="build it from export/plugin")
    path = library.resolve()
    return PluginEntry(creator=name, version=version, namespace=namespace, library=str(path), sha256=sha256_of(path))
