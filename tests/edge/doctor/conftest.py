"""A kiosk to examine: a camera that looks at a flat wall, and a file system root of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.camera import open_camera
from edge.camera.depth_camera import CameraInfo
from edge.camera.supervisor import COUNTERS, CameraState
from edge.config.models import Config
from edge.doctor.examined import CameraSight, Examined
from edge.frame import Frame, Intrinsics

START_NS = 1_760_000_000_000_000_000
LENS = Intrinsics(212, 120, 106.0, 106.0, 105.5, 59.5)


def wall_frames(noise_mm: float = 3.0, distance_m: float = 1.2, tilt_deg: float = 10.0, count: int = 10) -> list[Frame]:
    """A plane seen with noise of the same size everywhere, new in every frame."""
    rng = np.random.default_rng(7)
    x = (np.arange(LENS.width) - LENS.cx) / LENS.fx
    plane = distance_m / (1.0 + np.tan(np.radians(tilt_deg)) * x)[None, :] * np.ones((LENS.height, 1))
    down = np.array([-1.0, 0.0, 0.0])
    noisy = [(plane + rng.normal(0, noise_mm / 1e3, plane.shape)).astype(np.float32) for _ in range(count)]
    return [Frame(depth_m, None, LENS, down, START_NS + i, float(i), i) for i, depth_m in enumerate(noisy)]


@pytest.fixture(scope="session")
def body():
    """Two frames of the shipped recording: somebody's back."""
    with open_camera("demo") as camera:
        return [camera.read(), camera.read()]


@pytest.fixture
def make_wall():
    return wall_frames


@pytest.fixture
def make_kiosk(tmp_path: Path):
    """An examined kiosk whose camera saw what is given, without one being opened."""

    def make(
        frames: list[Frame] | None = None,
        config: dict[str, Any] | None = None,
        state: CameraState | None = None,
        failure: Any = None,
        counters: dict[str, int] | None = None,
        full: bool = False,
        **info: Any,
    ) -> Examined:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        told = {"source": "realsense:1", "model": "Intel RealSense D435I", "serial": "1", "intrinsics": LENS,
                "depth_unit_m": 0.001, "live": True, "usb": "3.2", "firmware": "5.16.0.1"}  # fmt: skip
        seen = wall_frames(count=15) if frames is None else frames
        kiosk = Examined(Config.model_validate(config or {}), None, full, root)
        kiosk.__dict__["sight"] = CameraSight(
            CameraInfo(**{**told, **info}) if seen else None, tuple(seen), state or CameraState("streaming"),
            dict.fromkeys(COUNTERS, 0) | (counters or {}), failure, 30.0 if len(seen) > 1 else None,
        )  # fmt: skip
        return kiosk

    return make
