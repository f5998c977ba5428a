"""The two stages on TensorRT's stand-in: what is shared, what is copied, what is captured, and how it ends."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from edge.errors import BundleError, ServiceError
from edge.runtime.gpu import open_gpu
from edge.runtime.stages import ONLY_BETWEEN, STAGES
from edge.runtime.tensorrt_runner import TensorRtStages


@pytest.fixture
def passing_stage(tmp_path):
    """ONNX files whose stage 2 answers with the mean of the template that it was given, so that a stale one shows."""

    def make(stage, path):
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        from edge.runtime.template_runner import TemplateRunner

        specs = TemplateRunner(stage)
        source = {"structure": "back_view", "radiograph": "warped_template"}[stage]
        nodes = [helper.make_node("ReduceMean", [source], ["mean"], keepdims=0)]
        values = []
        for spec in specs.outputs:
            values.append(numpy_helper.from_array(np.ones(spec.shape, np.float32), f"{spec.name}_ones"))
            nodes.append(helper.make_node("Mul", [f"{spec.name}_ones", "mean"], [spec.name]))
        tensors = [[helper.make_tensor_value_info(s.name, TensorProto.FLOAT, s.shape) for s in side]
                   for side in (specs.inputs, specs.outputs)]
        graph = helper.make_graph(nodes, stage, *tensors, values)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
        return path

    return make


@pytest.fixture
def both(stand_in_gpu, passing_stage, tmp_path):
    from export.engine.build import BuildOptions, build_engine
    from export.engine.progress import Progress

    def make(**options):
        gpu, trt = stand_in_gpu(**options)
        engines = {}
        for stage in STAGES:
            source = passing_stage(stage, tmp_path / f"{stage}.onnx")
            engines[stage], _ = build_engine(trt, source, BuildOptions(), Progress(stage))
        return gpu, TensorRtStages(trt, open_gpu(), engines, {s: f"{s}.engine" for s in STAGES}, "fp16")

    return make


def frame(value):
    return {"back_view": np.full((1, 8, 256, 128), value, np.float32),
            "lateral_lift": np.zeros((1, 4, 256, 128), np.float32)}


def test_both_stages_run_in_one_go_and_follow_the_input(both):
    _, stages = both()
    for value in (2.0, 3.0):
        outputs = stages.run(frame(value))
        assert outputs["log_attenuation"].max() == pytest.approx(value)
        assert outputs["endplates_mm"].max() == pytest.approx(value)
        assert not set(outputs) & ONLY_BETWEEN
    stages.close()


def test_nothing_between_the_stages_is_copied(both):
    gpu, stages = both()
    before = gpu.copies
    stages.run(frame(2.0))
    assert gpu.copies == before  # captured: the graph holds the copies, nothing is enqueued anew
    assert len(gpu.graphs) == 1
    recorded = next(iter(gpu.graphs.values()))
    assert len(recorded) == 2 + 2 + 4  # two inputs up, two engines, four outputs down
    stages.close()


def test_one_buffer_per_tensor_serves_both_stages(both):
    gpu, stages = both()
    names = {t.name for rule in STAGES.values() for t in (*rule.inputs, *rule.outputs)}
    assert len(gpu.alive) == 2 * len(names)  # page-locked and on the device
    for _ in range(3):
        stages.run(frame(1.0))
        stages.structure.run(frame(1.0))
    assert len(gpu.alive) == 2 * len(names)
    stages.close()


def test_where_gpu_and_host_share_memory_only_what_is_between_the_stages_is_ever_copied(both):
    gpu, stages = both(shares_memory=True)
    assert gpu.copies == 0
    assert stages.run(frame(4.0))["log_attenuation"].max() == pytest.approx(4.0)
    assert gpu.copies == 0
    stages.structure.run(frame(4.0))
    assert gpu.copies == 2 * len(ONLY_BETWEEN)  # enqueued once to warm up, once into the graph
    stages.close()


def test_an_answer_is_not_overwritten_by_the_next_frame(both):
    _, stages = both()
    first = stages.run(frame(2.0))["endplates_mm"]
    stages.run(frame(5.0))
    assert first.max() == pytest.approx(2.0)
    stages.close()


def test_everything_is_released_once_and_in_order(both):
    gpu, stages = both()
    stages.run(frame(1.0))
    stages.structure.close()
    assert gpu.alive
    assert gpu.contexts == 1  # the other stage is open
    gpu.events.clear()
    stages.radiograph.close()
    stages.close()
    assert not gpu.alive
    assert not gpu.graphs
    assert not gpu.streams
    assert gpu.contexts == 0
    first = [gpu.events.index(event) for event in (
        "destroy graph", "destroy execution context", "destroy engine", "destroy runtime", "free device",
        "destroy stream", "detach context")]
    assert first == sorted(first)


def test_a_driver_that_cannot_capture_only_costs_speed(both):
    _, stages = both(fail=frozenset({"cuStreamBeginCapture_v2"}))
    assert not stages.captured
    assert stages.structure.runtime == "tensorrt 10.3.0 fp16 on Orin (stand-in) sm_87, no CUDA graph"
    assert stages.run(frame(3.0))["log_attenuation"].max() == pytest.approx(3.0)
    stages.close()


def test_it_may_be_run_from_another_thread_than_it_was_opened_in(both):
    _, stages = both()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(stages.run(frame(2.0))))
    thread.start()
    thread.join()
    assert answers[0]["log_attenuation"].max() == pytest.approx(2.0)
    stages.close()


def test_a_gpu_that_fails_in_a_frame_is_a_failure_of_the_service_and_not_of_the_bundle(both):
    gpu, stages = both()
    gpu.fail.add("synchronize")
    with pytest.raises(ServiceError, match="the GPU failed; expected CUDA_SUCCESS, found synchronize failed"):
        stages.run(frame(1.0))
    gpu.fail.clear()
    stages.close()
    assert not gpu.alive


@pytest.mark.parametrize("fail", ["create_execution_context", "mem_alloc", "execute_async_v3"])
def test_a_gpu_without_room_leaves_nothing_behind(both, fail):
    with pytest.raises(ServiceError):
        both(fail=frozenset({fail}))
    gpu = sys.modules["pycuda.driver"].stand_in
    assert not gpu.alive
    assert gpu.contexts == 0


def test_an_engine_of_another_stage_is_refused(stand_in_gpu, passing_stage, tmp_path):
    from export.engine.build import BuildOptions, build_engine
    from export.engine.progress import Progress

    gpu, trt = stand_in_gpu()
    engine, _ = build_engine(trt, passing_stage("structure", tmp_path / "s.onnx"), BuildOptions(), Progress(""))
    with pytest.raises(BundleError, match="the engine is none of stage radiograph"):
        TensorRtStages(trt, open_gpu(), dict.fromkeys(STAGES, engine), {s: s for s in STAGES}, "fp16")
    assert not gpu.alive
    assert gpu.contexts == 0


def test_bytes_that_tensorrt_cannot_read_are_refused_with_its_own_reason(stand_in_gpu):
    gpu, trt = stand_in_gpu()
    with pytest.raises(BundleError, match="magicTagRead"):
        TensorRtStages(trt, open_gpu(), dict.fromkeys(STAGES, b"no engine"), {s: s for s in STAGES}, "fp16")
    assert gpu.contexts == 0


def test_without_a_gpu_the_error_says_so(stand_in_gpu):
    stand_in_gpu(fail=frozenset({"init"}))
    with pytest.raises(ServiceError, match="CUDA finds no usable GPU"):
        open_gpu()
