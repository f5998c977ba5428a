"""Names of what can run the model, as the command line and the configuration give them."""

from __future__ import annotations

from typing import Final

RUNTIMES: Final = ("auto", "onnxruntime", "tensorrt")
"""auto takes TensorRT where the bundle holds engines that are valid here, else ONNX Runtime."""
