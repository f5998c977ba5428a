"""On an NVIDIA GPU the library computes what numpy.fft computes. Run with ``pytest -m gpu tests/export/plugin``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.errors import UsageError
from export.plugin.bench import bench
from export.plugin.build import build
from export.plugin.library import FftLibrary, FftShape

pytestmark = pytest.mark.gpu

SIZES = [(32, 16), (31, 16), (32, 15), (31, 15), (7, 13), (97, 101), (1, 16), (32, 1), (1, 1), (2, 2), (3, 250),
         (256, 4), (512, 256)]
TOLERANCE = {"float32": 1e-5, "float16": 2e-3}
"""Largest difference over the largest value. FP16 is stored with 11 bits: 2**-11 per rounding, in and out."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FftLibrary]:
    major, minor = torch.cuda.get_device_capability()
    with FftLibrary(build(tmp_path_factory.mktemp("plugin"), [10 * major + minor])[0]) as opened:
        yield opened


def transform(library: FftLibrary, shape: FftShape, source: torch.Tensor, inverse: bool) -> torch.Tensor:
    needed = library.prepare(shape, inverse)
    workspace = torch.empty(max(needed, 1), dtype=torch.uint8, device="cuda")
    sizes = (shape.batch, shape.height, shape.width) if inverse else (shape.batch, shape.height, shape.bins, 2)
    target = torch.full(sizes, float("nan"), device="cuda", dtype=source.dtype)
    run = library.irfft2 if inverse else library.rfft2
    run(shape, source.data_ptr(), target.data_ptr(), workspace.data_ptr(), needed,
        torch.cuda.current_stream().cuda_stream)
    torch.cuda.synchronize()
    return target


def relative(got: np.ndarray, want: np.ndarray) -> float:
    return float(np.abs(got - want).max() / np.abs(want).max())


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_both_directions_equal_numpy_for_any_size_and_any_spectrum(
    library: FftLibrary, height: int, width: int, dtype: str
) -> None:
    shape, kind = FftShape(5, height, width, dtype), getattr(torch, dtype)
    rng = np.random.default_rng(height * 1000 + width)
    # Small enough for the unscaled sums to fit FP16.
    image = torch.from_numpy(rng.normal(size=(5, height, width)) / np.sqrt(height * width)).to("cuda", kind)
    pairs = transform(library, shape, image, inverse=False).double().cpu().numpy()
    want = np.fft.rfft2(image.double().cpu().numpy())
    assert relative(pairs[..., 0] + 1j * pairs[..., 1], want) < TOLERANCE[dtype]

    spectrum = rng.normal(size=(5, height, shape.bins, 2)) / np.sqrt(height * width)
    given = torch.from_numpy(spectrum).to("cuda", kind)
    kept = given.clone()
    got = transform(library, shape, given, inverse=True).double().cpu().numpy()
    exact = given.double().cpu().numpy()
    want = np.fft.irfft2(exact[..., 0] + 1j * exact[..., 1], s=(height, width)) * height * width
    assert relative(got, want) < TOLERANCE[dtype]
    assert torch.equal(given, kept), "the inverse leaves its input as it was"


def test_runs_can_be_captured_into_a_graph_and_replayed(library: FftLibrary) -> None:
    shape = FftShape(24, 32, 16, "float16")
    image = torch.randn(24, 32, 16, device="cuda").half()
    needed = library.prepare(shape, inverse=False)
    workspace = torch.empty(needed, dtype=torch.uint8, device="cuda")
    spectrum = torch.zeros(24, 32, 9, 2, device="cuda", dtype=torch.float16)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        library.rfft2(shape, image.data_ptr(), spectrum.data_ptr(), workspace.data_ptr(), needed,
                      torch.cuda.current_stream().cuda_stream)
    image.fill_(1.0)
    graph.replay()
    torch.cuda.synchronize()
    assert spectrum[0, 0, 0, 0].item() == 512.0
    assert spectrum.count_nonzero().item() == 24


def test_a_run_takes_no_device_memory(library: FftLibrary) -> None:
    shape = FftShape(64, 31, 15)
    image = torch.randn(64, 31, 15, device="cuda")
    transform(library, shape, image, inverse=False)
    needed = library.prepare(shape, inverse=False)
    workspace = torch.empty(max(needed, 1), dtype=torch.uint8, device="cuda")
    spectrum = torch.empty(64, 31, 8, 2, device="cuda")
    before = torch.cuda.mem_get_info()[0]
    for _ in range(100):
        library.rfft2(shape, image.data_ptr(), spectrum.data_ptr(), workspace.data_ptr(), needed)
    torch.cuda.synchronize()
    assert torch.cuda.mem_get_info()[0] == before


def test_a_shape_without_plan_and_a_short_workspace_are_refused(library: FftLibrary) -> None:
    image = torch.zeros(3, 5, 7, device="cuda")
    with pytest.raises(UsageError, match="not prepared"):
        library.rfft2(FftShape(3, 5, 7), image.data_ptr(), image.data_ptr(), 0, 0)
    shape = FftShape(3, 5, 6)
    library.prepare(shape, inverse=True)
    with pytest.raises(UsageError, match="workspace"):
        library.irfft2(shape, image.data_ptr(), image.data_ptr(), 0, 0)


def test_the_benchmark_times_every_case(library: FftLibrary) -> None:
    device, rate, timings = bench(Path(library._path))
    assert device
    assert rate > 1
    assert all(t.ours_us > 0 and t.torch_us > 0 and t.roofline_us > 0 for t in timings)
