"""A stand-in for the module ``tensorrt``: the calls that we make, computed by ONNX Runtime, refused as it refuses.

An engine is a header line (TensorRT's version, the GPU) and the ONNX file. What TensorRT answers with None and a logged
error is None and a logged error here: a foreign engine, an operator that its parser lacks, an unknown plugin, a tensor
without an address, an address that is not the GPU's.
"""

from __future__ import annotations

import ctypes
import json
import types
from pathlib import Path
from typing import Any, Final

import numpy as np

from export.engine.stand_in.cuda import StandInCuda

MAGIC: Final = b"ftrt-stand-in "
PLUGIN_MAGIC: Final = "plugins:"
"""A file that starts so is a plugin library; the names of its creators follow, with commas."""

_LACKING: Final = frozenset({"DFT", "STFT", "HannWindow"})  # of TensorRT's ONNX parser, 10.3 to 11.4
_PHASES: Final = (("Building engine", None, 3), ("Building engine from subgraph", "Building engine", 40))


def stand_in_tensorrt(gpu: StandInCuda, version: str = "10.3.0", refuse_build: str = "") -> types.ModuleType:
    """A module to import as ``tensorrt``.

    Args:
        gpu: whose memory and streams it uses.
        version: 10.x or 11.x; what 11 removed is not there then.
        refuse_build: a message with which the builder fails.
    """
    trt = types.ModuleType("tensorrt")
    creators: set[tuple[str, str, str]] = {("FFTPlugin", "1", "")} if _newer(version, (11, 2)) else set()

    class ILogger:
        INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

        def __init__(self) -> None:
            self.ready = True

    class IProgressMonitor:
        def __init__(self) -> None:
            self.ready = True

    def complain(logger: Any, message: str) -> None:
        if not getattr(logger, "ready", False):
            raise RuntimeError("the logger's own initialiser was not called; TensorRT would crash here")
        logger.log(ILogger.ERROR, message)

    class Registry:
        def get_creator(self, name: str, version: str, namespace: str = "") -> object | None:
            return types.SimpleNamespace(name=name) if (name, version, namespace) in creators else None

        def load_library(self, path: str) -> object | None:
            text = Path(path).read_text() if Path(path).is_file() else ""
            if not text.startswith(PLUGIN_MAGIC):
                return None
            names = {(name.strip(), "1", "") for name in text[len(PLUGIN_MAGIC):].split(",")}
            if names & creators:  # "The call will fail if any of the plugins are already registered"
                return None
            creators.update(names)
            return object()

    registry = Registry()

    class Network:
        def __init__(self, flags: int) -> None:
            self.flags, self.model, self.num_layers = flags, b"", 0
            self.types: set[str] = set()

    class Config:
        def __init__(self) -> None:
            self.progress_monitor: Any = None
            self.pools: dict[str, int] = {}
            self.builder_optimization_level = 3
            self.profiling_verbosity: Any = None
            self.cache: Any = None

        def clear_flag(self, flag: str) -> None:
            self.cleared = flag

        def set_memory_pool_limit(self, pool: str, size: int) -> None:
            self.pools[pool] = size

        def create_timing_cache(self, data: bytes) -> Any:
            key = f"{version} {gpu.name} {gpu.capability}".encode()
            fits = not data or data.startswith(key)
            return types.SimpleNamespace(fits=fits, data=data or key, serialize=lambda: data or key)

        def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
            if cache.fits or ignore_mismatch:
                self.cache = cache
            return bool(cache.fits or ignore_mismatch)

        def get_timing_cache(self) -> Any:
            return self.cache

    class Builder:
        def __init__(self, logger: Any) -> None:
            complain_ready(logger)
            self._logger = logger

        def create_network(self, flags: int = 0) -> Network:
            return Network(flags)

        def create_builder_config(self) -> Config:
            return Config()

        def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
            if refuse_build:
                complain(self._logger, refuse_build)
                return None
            if not network.flags & 1 << trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED and "FLOAT16" in network.types:
                complain(self._logger, "a file with its own precisions needs a strongly typed network")
                return None
            if not _build_steps(config.progress_monitor):
                complain(self._logger, "Build was cancelled by the progress monitor")
                return None
            header = json.dumps({"tensorrt": version, "gpu": gpu.name, "capability": gpu.capability})
            return MAGIC + header.encode() + b"\n" + network.model

    def complain_ready(logger: Any) -> None:
        if not getattr(logger, "ready", False):
            raise TypeError("TensorRT takes a logger whose own initialiser was called")

    class ParserError:
        def __init__(self, desc: str, node: Any, index: int) -> None:
            self._desc, self._node, self._index = desc, node, index

        def desc(self) -> str:
            return self._desc

        def node(self) -> int:
            return self._index

        def node_name(self) -> str:
            return str(self._node.name) if self._node is not None else ""

        def node_operator(self) -> str:
            return str(self._node.op_type) if self._node is not None else ""

    class OnnxParser:
        def __init__(self, network: Network, logger: Any) -> None:
            self._network, self._errors, self._logger = network, list[ParserError](), logger

        @property
        def num_errors(self) -> int:
            return len(self._errors)

        def get_error(self, index: int) -> ParserError:
            return self._errors[index]

        def parse_from_file(self, path: str) -> bool:
            import onnx

            try:
                model = onnx.load(path)
            except Exception as failure:
                self._errors.append(ParserError(f"Failed to parse the ONNX model: {failure}", None, -1))
                return False
            for index, node in enumerate(model.graph.node):
                version_namespace = (_attribute(node, "plugin_version", "1"), _attribute(node, "plugin_namespace", ""))
                plugin = (node.op_type, *version_namespace)
                known = node.domain in ("", "ai.onnx") and node.op_type not in _LACKING and _is_onnx(node.op_type)
                if not known and plugin not in creators:
                    text = "Plugin not found, are the plugin name, version, and namespace correct?"
                    self._errors.append(ParserError(text, node, index))
            for value in (*model.graph.input, *model.graph.output):
                if not all(d.HasField("dim_value") for d in value.type.tensor_type.shape.dim):
                    text = f"{value.name} has a dynamic dimension, and there is no optimization profile"
                    self._errors.append(ParserError(text, None, -1))
            self._network.model, self._network.num_layers = Path(path).read_bytes(), len(model.graph.node)
            self._network.types = {
                onnx.TensorProto.DataType.Name(i.data_type) for i in model.graph.initializer
            }
            return not self._errors

    class Engine:
        def __init__(self, session: Any, logger: Any) -> None:
            self._session, self.logger, self.device_memory_size_v2 = session, logger, 1 << 20
            self._io = [*session.get_inputs(), *session.get_outputs()]
            self._inputs = {node.name for node in session.get_inputs()}
            self.num_io_tensors = len(self._io)

        def get_tensor_name(self, index: int) -> str:
            return str(self._io[index].name)

        def get_tensor_mode(self, name: str) -> str:
            return "INPUT" if name in self._inputs else "OUTPUT"

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            return tuple(next(node.shape for node in self._io if node.name == name))

        def get_tensor_dtype(self, name: str) -> str:
            return str(next(node.type for node in self._io if node.name == name))

        def create_execution_context(self) -> Any:
            return None if "create_execution_context" in gpu.fail else Execution(self, self._session)

        def __del__(self) -> None:
            gpu.events.append("destroy engine")

    class Execution:
        def __init__(self, engine: Engine, session: Any) -> None:
            self._engine, self._session, self._addresses = engine, session, dict[str, int]()

        def set_tensor_address(self, name: str, address: int) -> bool:
            known = name in {self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)}
            if known and address % 256 == 0:
                self._addresses[name] = address
                return True
            complain(self._engine.logger, f"setTensorAddress: {name} at {address:#x}: unknown or not aligned")
            return False

        def execute_async_v3(self, stream_handle: int) -> bool:
            names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
            for name in names:
                shape = self._engine.get_tensor_shape(name)
                size = int(np.prod(shape)) * trt.nptype(self._engine.get_tensor_dtype(name))().itemsize
                address = self._addresses.get(name)
                if address is None or not gpu.inside(address, size):
                    text = "not set" if address is None else f"not {size} bytes of the GPU's memory"
                    complain(self._engine.logger, f"enqueueV3: address of {name} is {text}")
                    return False
            if "execute_async_v3" in gpu.fail:
                complain(self._engine.logger, "enqueueV3: Cuda Runtime (an illegal memory access was encountered)")
                return False
            gpu.streams[stream_handle].put(self._compute)
            return True

        def _compute(self) -> None:
            feeds = {node.name: np.array(self._view(node.name)) for node in self._session.get_inputs()}
            outputs = [node.name for node in self._session.get_outputs()]
            for name, value in zip(outputs, self._session.run(outputs, feeds), strict=True):
                self._view(name)[...] = value

        def _view(self, name: str) -> np.ndarray[Any, Any]:
            shape = self._engine.get_tensor_shape(name)
            dtype = np.dtype(trt.nptype(self._engine.get_tensor_dtype(name)))
            raw = (ctypes.c_byte * (int(np.prod(shape)) * dtype.itemsize)).from_address(self._addresses[name])
            return np.frombuffer(memoryview(raw), dtype=dtype).reshape(shape)

        def __del__(self) -> None:
            gpu.events.append("destroy execution context")

    class Runtime:
        def __init__(self, logger: Any) -> None:
            complain_ready(logger)
            self._logger = logger

        def deserialize_cuda_engine(self, data: bytes) -> Engine | None:
            import onnxruntime

            header, _, model = bytes(data).partition(b"\n")
            if not header.startswith(MAGIC):
                complain(self._logger, "Serialization assertion magicTagRead == kMAGIC_TAG failed.")
                return None
            built = json.loads(header[len(MAGIC):])
            if built["tensorrt"] != version:
                complain(self._logger, f"The engine plan file was generated by TensorRT {built['tensorrt']}")
                return None
            if tuple(built["capability"]) != gpu.capability:
                complain(self._logger, "The engine plan file is generated on an incompatible device")
                return None
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 4
            try:
                session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            except Exception as failure:
                complain(self._logger, f"the stand-in cannot compute this engine: {failure}")
                return None
            return Engine(session, self._logger)

        def __del__(self) -> None:
            gpu.events.append("destroy runtime")

    numbers = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int8)": np.int8}
    members: dict[str, Any] = {
        "__version__": version, "ILogger": ILogger, "IProgressMonitor": IProgressMonitor, "Builder": Builder,
        "OnnxParser": OnnxParser, "Runtime": Runtime, "get_plugin_registry": lambda: registry,
        "init_libnvinfer_plugins": lambda _logger, _namespace: True, "nptype": lambda dtype: numbers[dtype],
        "TensorIOMode": types.SimpleNamespace(INPUT="INPUT", OUTPUT="OUTPUT"),
        "MemoryPoolType": types.SimpleNamespace(WORKSPACE="WORKSPACE"),
        "NetworkDefinitionCreationFlag": types.SimpleNamespace(STRONGLY_TYPED=1),
        "ProfilingVerbosity": types.SimpleNamespace(DETAILED="DETAILED"),
        "BuilderFlag": types.SimpleNamespace(TF32="TF32", **({} if _newer(version, (11, 0)) else {"FP16": "FP16"})),
    }
    trt.__dict__.update(members)
    return trt


def _build_steps(monitor: Any) -> bool:
    """Report phases and steps as the builder does; False where the monitor asked to stop."""
    if monitor is None:
        return True
    going_on = True
    for name, parent, steps in _PHASES:
        monitor.phase_start(name, parent, steps)
        for step in range(steps):
            going_on = going_on and monitor.step_complete(name, step)
    for name, _, _ in reversed(_PHASES):
        monitor.phase_finish(name)
    return going_on


def _is_onnx(operator: str) -> bool:
    import onnx

    return bool(onnx.defs.has(operator))


def _attribute(node: Any, name: str, default: str) -> str:
    return next((a.s.decode() for a in node.attribute if a.name == name), default)


def _newer(version: str, than: tuple[int, int]) -> bool:
    return tuple(int(part) for part in version.split(".")[:2]) >= than
