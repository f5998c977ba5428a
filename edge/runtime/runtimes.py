"""Names of what can run the model, and in which precision, as the command line and the configuration give them."""

from __future__ import annotations

from typing import Final

RUNTIMES: Final = ("auto", "onnxruntime", "tensorrt")
"""auto takes TensorRT where the bundle holds engines that are valid here, else ONNX Runtime."""

PRECISIONS: Final = {"fp32": "fp32", "int8": "int8-cpu"}
"""What a person asks for on ONNX Runtime -> the manifest's name of the files that it runs fast."""
