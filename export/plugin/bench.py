"""Times the FFT library against ``torch.fft`` and against the least time in which its data can move."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.errors import ServiceError
from export.plugin.library import FftLibrary, FftShape

CASES: Final = tuple(
    FftShape(batch, height, width, dtype)
    for batch, height, width in ((24, 32, 16), (64, 32, 16), (64, 31, 15), (64, 128, 64), (64, 512, 256))
    for dtype in ("float32", "float16")
)
"""24 images of 32 x 16 are what one Fourier unit of the networks transforms; the others show how it grows."""

_REPEATS: Final = 50
_RUNS_PER_REPEAT: Final = 20
_COPY_BYTES: Final = 1 << 28


@dataclass(frozen=True)
class Timing:
    """Medians of one round trip (rfft2, then irfft2), microseconds. roofline_us: its images and spectra moved once."""

    shape: FftShape
    ours_us: float
    torch_us: float
    roofline_us: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        s = self.shape
        return {"batch": s.batch, "height": s.height, "width": s.width, "dtype": s.dtype, "ours_us": self.ours_us,
                "torch_us": self.torch_us, "roofline_us": self.roofline_us}


def bench(path: Path) -> tuple[str, float, list[Timing]]:
    """The GPU's name, its measured memory rate in GB/s, and a timing per case.

    Raises:
        ServiceError: no NVIDIA GPU that torch can use. MissingDependencyError: the library cannot be loaded.
    """
    import torch

    if not torch.cuda.is_available():
        raise ServiceError("there is no NVIDIA GPU to time on", expected="a GPU and a CUDA build of torch",
                           found=f"torch {torch.__version__}", mend="run this on a machine with a GPU")
    rate = _memory_rate()
    with FftLibrary(path) as library:
        timings = [_time_case(library, shape, rate) for shape in CASES]
    return torch.cuda.get_device_name(), rate / 1e9, timings


def _memory_rate() -> float:
    import torch

    source = torch.empty(_COPY_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * _COPY_BYTES / (_median_us(lambda: target.copy_(source), 1) * 1e-6)


def _time_case(library: FftLibrary, shape: FftShape, rate: float) -> Timing:
    import torch

    kind = getattr(torch, shape.dtype)
    image = torch.randn(shape.batch, shape.height, shape.width, device="cuda").to(kind)
    spectrum = torch.empty(shape.batch, shape.height, shape.bins, 2, device="cuda", dtype=kind)
    needed = max(library.prepare(shape, inverse) for inverse in (False, True))
    workspace = torch.empty(max(needed, 1), dtype=torch.uint8, device="cuda")

    def ours() -> None:
        stream = torch.cuda.current_stream().cuda_stream
        for run, source, target in ((library.rfft2, image, spectrum), (library.irfft2, spectrum, image)):
            run(shape, source.data_ptr(), target.data_ptr(), workspace.data_ptr(), needed, stream)

    size = (shape.height, shape.width)

    def theirs() -> None:
        # torch.fft takes FP16 only in powers of two and gives complex FP16: in FP32 it is its usual self.
        pairs = torch.fft.rfft2(image.float())
        torch.fft.irfft2(pairs, s=size).to(kind)

    moved = 2 * (image.numel() + spectrum.numel()) * image.element_size()
    return Timing(shape, _median_us(ours), _median_us(theirs), moved / rate * 1e6)


def _median_us(run: Callable[[], object], runs: int = _RUNS_PER_REPEAT) -> float:
    import torch

    for _ in range(3):
        run()
    torch.cuda.synchronize()
    times = []
    for _ in range(_REPEATS):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(runs):
            run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) * 1e3 / runs)
    return statistics.median(times)
