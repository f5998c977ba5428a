"""Both stages on TensorRT, one execution context each, on one stream.

Every tensor has one buffer, made once, whatever stage it belongs to: stage 1 writes where stage 2 reads, so a whole
frame is uploads, two engines and downloads, captured as one CUDA graph, and the host waits once. Written against the
Python API that TensorRT 10.3 and 11.x have in common. TensorRT and the GPU come in from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import BundleError, ServiceError
from edge.runtime.gpu import Buffer, Gpu
from edge.runtime.runner import Tensors, TensorSpec, check_finite, check_tensors
from edge.runtime.stages import ONLY_BETWEEN, STAGES
from edge.runtime.tensorrt_log import make_log


class TensorRtStages:
    """Both stages joined (``edge.runtime.runner.JoinedStages``), and each of them as a ``StageRunner``.

    Args:
        trt: the module ``tensorrt``.
        gpu: closed with the stages.
        engines: bytes of each stage's engine, checked before (``edge.runtime.engine_manifest``).
        names: what to call each engine in an error, its path.
        precision: for the record of a result.

    Raises:
        BundleError: TensorRT cannot read an engine, or its tensors are not those of the stage.
        ServiceError: the GPU has no memory left or failed.
    """

    def __init__(self, trt: Any, gpu: Gpu, engines: Mapping[str, bytes], names: Mapping[str, str],
                 precision: str) -> None:
        self._gpu, self._log, self._names = gpu, make_log(trt), dict(names)
        self._engines: dict[str, Any] = {}
        self._contexts: dict[str, Any] = {}
        self._launches: dict[tuple[str, ...], Callable[[], None]] = {}
        self._buffers: dict[str, Buffer] = {}
        self._open = set(STAGES)
        self._runtime: Any = None
        self.captured, self.precision = False, precision
        try:
            gpu.enqueue(lambda: self._load(trt, engines))
            specs = {stage: _specs(trt, self._engines[stage], stage) for stage in STAGES}
            for stage, (inputs, outputs) in specs.items():
                self._bind(stage, (*inputs, *outputs))
            self._specs = specs
            self._warm_up(tuple(STAGES))
        except BaseException:
            self.close()
            raise
        graph = "CUDA graph" if self.captured else "no CUDA graph"
        where = f"{gpu.identity.name} sm_{gpu.identity.compute_capability.replace('.', '')}"
        self.runtime = f"tensorrt {trt.__version__} {precision} on {where}, {graph}"
        self.structure, self.radiograph = (TensorRtRunner(stage, self) for stage in STAGES)

    def run(self, tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Run both stages with one wait for the GPU; see ``JoinedStages.run``."""
        return self.run_stages(tuple(STAGES), tensors)

    def specs(self, stage: str) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        """Inputs and outputs of a stage as its engine has them, in the order of ``STAGES``."""
        return self._specs[stage]

    def run_stages(self, stages: tuple[str, ...], tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Run one stage or both in a row.

        Raises:
            BundleError: as ``StageRunner.run``. ServiceError: the GPU failed.
        """
        inputs, outputs = self._edges(stages)
        closed = [stage for stage in stages if stage not in self._open]
        if closed:
            raise BundleError(f"stage {closed[0]} was run after it was closed", expected="an open runner",
                              found="a closed one")
        check_tensors(stages[0], "input", inputs, tensors)
        if stages not in self._launches:
            self._warm_up(stages)
        for spec in inputs:
            np.copyto(self._buffers[spec.name].host, tensors[spec.name])
        self._launches[stages]()
        self._gpu.wait()
        # Copies: the next frame writes into the same page-locked memory.
        answers: Tensors = {spec.name: np.array(self._buffers[spec.name].host) for spec in outputs}
        check_finite(stages[-1], answers, self._names[stages[-1]])
        return answers

    def close_stage(self, stage: str) -> None:
        """Refuse to run this stage from now on; with the last one everything is released."""
        self._open.discard(stage)
        if not self._open:
            self.close()

    def close(self) -> None:
        """Release graphs, execution contexts, engines and runtime, and then the GPU with memory, stream and context."""
        self._open = set()
        if self._runtime is None:
            self._gpu.close()
            return

        def release() -> None:  # with the GPU's context current, each before what it was made from
            self._gpu.drop_graphs()
            self._contexts.clear()
            self._engines.clear()
            self._runtime = None

        self._launches.clear()
        self._buffers.clear()
        try:
            self._gpu.enqueue(release)
        finally:
            self._gpu.close()

    def _load(self, trt: Any, engines: Mapping[str, bytes]) -> None:
        self._runtime = trt.Runtime(self._log)
        for stage in STAGES:
            engine = self._runtime.deserialize_cuda_engine(engines[stage])
            if engine is None:
                raise BundleError("TensorRT cannot read the engine", where=self._names[stage],
                                  expected=f"an engine of TensorRT {trt.__version__}", found=self._log.reason(),
                                  mend="build it again with latx-export engine")
            context = engine.create_execution_context()
            if context is None:
                raise ServiceError("TensorRT cannot make room for the engine", where=self._names[stage],
                                   expected=f"{engine.device_memory_size_v2 >> 20} MiB of GPU memory",
                                   found=self._log.reason(), mend="end what else uses the GPU")
            self._engines[stage], self._contexts[stage] = engine, context

    def _bind(self, stage: str, specs: Sequence[TensorSpec]) -> None:
        rules = STAGES[stage]
        expected = (*rules.inputs, *rules.outputs)
        if len(specs) != len(expected) or not all(r.accepts(s) for r, s in zip(expected, specs, strict=True)):
            raise BundleError(f"the engine is none of stage {stage}", where=self._names[stage],
                              expected=", ".join(map(str, expected)), found=", ".join(map(str, specs)),
                              mend="build it again with latx-export engine")
        for spec in specs:
            if spec.name not in self._buffers:
                every_frame = spec.name not in ONLY_BETWEEN
                self._buffers[spec.name] = self._gpu.buffer(spec.shape, spec.dtype, every_frame)
            shared = self._buffers[spec.name].host
            if shared.shape != spec.shape:
                raise BundleError("the engines of the two stages do not fit each other", where=self._names[stage],
                                  expected=f"{spec.name} {list(shared.shape)}", found=str(list(spec.shape)),
                                  mend="build both again with latx-export engine")
            if not self._contexts[stage].set_tensor_address(spec.name, self._buffers[spec.name].address):
                raise BundleError(f"TensorRT does not take the address of {spec.name}", where=self._names[stage],
                                  found=self._log.reason(), mend="build it again with latx-export engine")

    def _edges(self, stages: tuple[str, ...]) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
        """What goes in and comes out of stages run in a row."""
        if len(stages) == 1:
            return self._specs[stages[0]]
        answered = [spec for stage in stages for spec in self._specs[stage][1] if spec.name not in ONLY_BETWEEN]
        return self._specs[stages[0]][0], tuple(answered)

    def _warm_up(self, stages: tuple[str, ...]) -> None:
        """Run once on nought, so that TensorRT settles its lazy parts, then capture what was enqueued."""
        inputs, outputs = self._edges(stages)

        def work() -> None:
            for spec in inputs:
                self._gpu.upload(self._buffers[spec.name])
            for stage in stages:
                if not self._contexts[stage].execute_async_v3(self._gpu.stream):
                    raise ServiceError("TensorRT cannot run the engine", where=self._names[stage],
                                       expected="an enqueued engine", found=self._log.reason(), mend="start again")
            for spec in outputs:
                self._gpu.download(self._buffers[spec.name])

        self._gpu.enqueue(work)
        self._gpu.wait()
        try:
            self._launches[stages] = self._gpu.capture(work)
            self.captured = True
        except ServiceError:  # a driver or an engine that cannot be captured still runs, one launch after the other
            self._launches[stages] = lambda: self._gpu.enqueue(work)


class TensorRtRunner:
    """One stage of ``TensorRtStages`` as a ``StageRunner``, with every output brought to the host."""

    def __init__(self, stage: str, stages: TensorRtStages) -> None:
        self.stage, self.runtime, self._stages = stage, stages.runtime, stages
        self.inputs, self.outputs = stages.specs(stage)

    def run(self, tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Run the stage once; see ``StageRunner.run``."""
        return self._stages.run_stages((self.stage,), tensors)

    def close(self) -> None:
        """Refuse to run from now on; the last stage that closes releases the GPU."""
        self._stages.close_stage(self.stage)


def _specs(trt: Any, engine: Any, stage: str) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs in the stage's own order; an engine need not keep that of the file it was built from."""
    order = {t.name: i for i, t in enumerate((*STAGES[stage].inputs, *STAGES[stage].outputs))}
    sides: dict[bool, list[TensorSpec]] = {True: [], False: []}
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    for name in sorted(names, key=lambda n: order.get(n, len(order))):
        dtype = np.dtype(trt.nptype(engine.get_tensor_dtype(name))).name
        spec = TensorSpec(name, tuple(engine.get_tensor_shape(name)), dtype)
        sides[engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT].append(spec)
    return tuple(sides[True]), tuple(sides[False])
