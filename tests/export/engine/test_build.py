"""The build code over NVIDIA's own parser and builder, ahead of time and without a GPU (TensorRT for RTX)."""

from __future__ import annotations

import os
import threading

import pytest

from edge.errors import BundleError
from edge.runtime.bundle import DEFAULT_BUNDLE
from export.engine.build import BuildOptions, build_engine
from export.engine.progress import Progress


@pytest.fixture(scope="module")
def rtx():
    return pytest.importorskip("tensorrt_rtx", reason="needs tensorrt-rtx-cu13 (extra: parser)")


@pytest.fixture
def for_sm86(rtx):
    def configure(config):
        config.num_compute_capabilities = 1
        config.set_compute_capability(rtx.ComputeCapability.SM86, 0)

    return configure


# TensorRT for RTX keeps the calls of the timing cache and says that they do nothing.
pytestmark = pytest.mark.filterwarnings("ignore:Use Deprecated in TensorRT-RTX")


def test_nvidias_builder_takes_a_shipped_stage_and_reports_its_progress(rtx, for_sm86):
    progress = Progress("radiograph")
    options = BuildOptions(workspace_bytes=1 << 29, tf32=False)
    engine, cache = build_engine(rtx, DEFAULT_BUNDLE / "radiograph.onnx", options, progress, configure=for_sm86)
    assert len(engine) > 1_000_000
    assert progress.steps > 100
    assert isinstance(cache, bytes)


def test_nvidias_builder_stops_when_it_is_told_to(rtx, for_sm86):
    progress = Progress("structure")
    progress.cancel()
    with pytest.raises(BundleError, match="cannot build an engine"):
        build_engine(rtx, DEFAULT_BUNDLE / "structure.onnx", BuildOptions(), progress, configure=for_sm86)
    assert progress.steps < 20


def test_ctrl_c_stops_nvidias_builder_within_its_next_steps(rtx, for_sm86):
    class Slow(Progress):
        """Presses Ctrl-C at its tenth step, and gives the main thread time to see it."""

        def step(self, name, number):
            if self.steps == 10:
                os.kill(os.getpid(), 2)
                pressed.wait(5)
            return super().step(name, number)

        def cancel(self):
            super().cancel()
            pressed.set()

    pressed, progress = threading.Event(), Slow("structure")
    with pytest.raises(KeyboardInterrupt):
        build_engine(rtx, DEFAULT_BUNDLE / "structure.onnx", BuildOptions(), progress, configure=for_sm86)
    assert pressed.is_set()
    assert progress.steps < 40


def test_nvidias_parser_names_the_node_that_it_lacks(rtx, tmp_path, for_sm86):
    import onnx

    model = onnx.load(DEFAULT_BUNDLE / "radiograph.onnx")
    model.graph.node.append(onnx.helper.make_node("FFTPlugin", [model.graph.output[0].name], ["f"], name="fft_1",
                                                  domain="trt.plugins"))
    model.opset_import.append(onnx.helper.make_opsetid("trt.plugins", 1))
    onnx.save(model, tmp_path / "r.onnx")
    with pytest.raises(BundleError, match=r"FFTPlugin node 'fft_1': .*Plugin not found"):
        build_engine(rtx, tmp_path / "r.onnx", BuildOptions(), Progress(""), configure=for_sm86)
