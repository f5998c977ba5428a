"""The stand-in's ONNX parser: it takes the operators that TensorRT's takes, and plugins that are registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from export.engine.stand_in.builder import Network
from export.engine.stand_in.installation import Installation

LACKING: Final = frozenset({"DFT", "STFT", "HannWindow"})
"""ONNX operators that TensorRT's parser does not take, 10.3 to 11.4."""


class ParserError:
    """``trt.ParserError``."""

    def __init__(self, desc: str, node: Any = None, index: int = -1) -> None:
        self._desc, self._node, self._index = desc, node, index

    def desc(self) -> str:
        """What is wrong."""
        return self._desc

    def node(self) -> int:
        """Number of the node, -1 where it is none's fault."""
        return self._index

    def node_name(self) -> str:
        """Name of the node, or ""."""
        return str(self._node.name) if self._node is not None else ""

    def node_operator(self) -> str:
        """Operator of the node, or ""."""
        return str(self._node.op_type) if self._node is not None else ""


class OnnxParser:
    """``trt.OnnxParser``."""

    def __init__(self, installation: Installation, network: Network, logger: Any) -> None:
        self._creators, self._network, self._logger = installation.creators, network, logger
        self._errors: list[ParserError] = []

    @property
    def num_errors(self) -> int:
        """How many errors the last file had."""
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        """One of them."""
        return self._errors[index]

    def parse_from_file(self, path: str) -> bool:
        """Read a file into the network; False where it has errors."""
        import onnx

        try:
            model = onnx.load(path)
        except Exception as failure:
            self._errors.append(ParserError(f"Failed to parse the ONNX model: {failure}"))
            return False
        for index, node in enumerate(model.graph.node):
            if not self._takes(node):
                text = "Plugin not found, are the plugin name, version, and namespace correct?"
                self._errors.append(ParserError(text, node, index))
        for value in (*model.graph.input, *model.graph.output):
            if not all(d.HasField("dim_value") for d in value.type.tensor_type.shape.dim):
                text = f"{value.name} has a dynamic dimension, and there is no optimization profile"
                self._errors.append(ParserError(text))
        self._network.model, self._network.num_layers = Path(path).read_bytes(), len(model.graph.node)
        self._network.types = {onnx.TensorProto.DataType.Name(i.data_type) for i in model.graph.initializer}
        return not self._errors

    def _takes(self, node: Any) -> bool:
        import onnx

        plugin = (node.op_type, _attribute(node, "plugin_version", "1"), _attribute(node, "plugin_namespace", ""))
        standard = node.domain in ("", "ai.onnx") and onnx.defs.has(node.op_type)
        return (standard and node.op_type not in LACKING) or plugin in self._creators


def _attribute(node: Any, name: str, default: str) -> str:
    return next((a.s.decode() for a in node.attribute if a.name == name), default)
