"""What every test runs under: one OpenMP thread per process, reproducible examples, and no silent skip under CI.

A test that lacks a system part skips itself and says why. On the machine that decides whether a change is good
(``CI=true``) that is a failure: what was not run there was not tested.
"""

from __future__ import annotations

import os
import signal
import sys
import types
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--full``: the fault, soak and power-cut suites at the size that a release is judged by; hours, not seconds."""
    parser.addoption("--full", action="store_true", help="run the fault and soak suites at full size (slow)")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the suites that come in two sizes run at full size."""
    return bool(request.config.getoption("--full"))


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C works as at a terminal; Hypothesis draws the same examples in every run, untimed on a busy machine."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job, which tests and children inherit
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        from hypothesis import settings
    except ImportError:
        return
    settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
    settings.load_profile("reproducible")


@pytest.fixture
def make_stage() -> Callable[..., Path]:
    """Writes the ONNX file of one stage in miniature."""
    from tests.tiny_bundle import tiny_stage

    return tiny_stage


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> Path:
    """A folder with a complete bundle of real ONNX files, made in a moment."""
    from tests.tiny_bundle import write_bundle

    return write_bundle(tmp_path / "bundle")


@pytest.fixture
def stand_in_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, Any]]:
    """Install make-believe TensorRT and pycuda; gives the GPU and the module ``tensorrt``.

    Arguments: ``version`` and ``refuse_build`` of the TensorRT, all others of the GPU.
    """
    from edge.runtime import cuda_graph
    from export.engine.stand_in.cuda import StandInCuda
    from export.engine.stand_in.tensorrt import stand_in_tensorrt

    def install(version: str = "10.3.0", refuse_build: str = "", **of_the_gpu: Any) -> tuple[Any, Any]:
        gpu = StandInCuda(**of_the_gpu)
        trt, pycuda = stand_in_tensorrt(gpu, version, refuse_build), types.ModuleType("pycuda")
        pycuda.driver = gpu.module  # type: ignore[attr-defined]
        for name, module in {"tensorrt": trt, "pycuda": pycuda, "pycuda.driver": gpu.module}.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(cuda_graph, "libcuda", lambda: gpu.libcuda)
        return gpu, trt

    return install


def _fail_where_ci_skips(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI", "").lower() not in ("1", "true") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} skipped itself, which counts as a failure under CI: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI, a test that skips itself fails."""
    report = yield
    _fail_where_ci_skips(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Under CI, a module that skips itself (``importorskip``) fails."""
    report = yield
    _fail_where_ci_skips(report)
    return report
