"""A small spine with a skin behind it, made here, so that the training code is tested without the phantom."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from edge.anatomy import ENDPLATES
from edge.view.back_view import BackView
from edge.view.grid import BACK_VIEW, RADIOGRAPH
from export.model.config import ModelConfig
from export.train.sample import TrainingSample


def spine_of(bend_deg: float, sway_mm: float = 0.0) -> np.ndarray:
    """(37, 4, 3) endplates of an S-shaped spine: kyphosis and lordosis grow with ``bend_deg``."""
    count = len(ENDPLATES)
    down = np.linspace(0.0, 1.0, count)
    tilt = np.radians(bend_deg) * np.cos(2 * np.pi * down)
    y = 20.0 - 430.0 * down
    x = 60.0 + np.cumsum(np.tan(tilt)) * 430.0 / count
    z = sway_mm * np.sin(np.pi * down)
    centre = np.stack([x, y, z], axis=-1)
    forward = np.stack([np.cos(tilt), -np.sin(tilt), np.zeros(count)], axis=-1) * 16.0
    right = np.array([0.0, 0.0, 20.0]) * np.ones((count, 1))
    return np.stack([centre + forward, centre - forward, centre - right, centre + right], axis=1).astype(np.float32)


def sample_of(bend_deg: float, sway_mm: float = 0.0, colour: bool = True, film: bool = True) -> TrainingSample:
    endplates = spine_of(bend_deg, sway_mm)
    y = BACK_VIEW.y_of(np.arange(BACK_VIEW.rows))
    z = BACK_VIEW.u_of(np.arange(BACK_VIEW.cols))
    line = np.interp(-y, -endplates[:, :, 1].mean(1), endplates[:, :, 0].mean(1)) - 60.0
    surface = (line[:, None] + 0.002 * z[None] ** 2).astype(np.float32)
    mask = (np.abs(z)[None] < 130.0) & ((y < 60.0) & (y > -520.0))[:, None]
    rows, cols = np.mgrid[: RADIOGRAPH.rows, : RADIOGRAPH.cols]
    bone = np.interp(-RADIOGRAPH.y_of(rows[:, 0]), -y, line)[:, None] + 60.0
    image = np.exp(-((RADIOGRAPH.u_of(cols) - bone) / 20) ** 2)
    picture = np.full((*mask.shape, 3), 120, np.uint8) if colour else None
    view = BackView(surface_x_mm=np.where(mask, surface, 0), mask=mask, colour=picture, body_from_camera=np.eye(4))
    return TrainingSample(view, endplates, image.astype(np.float32) if film else None, f"made:{bend_deg}")


class MadeSource:
    """Spines of different bends as a ``SampleSource``."""

    def __init__(self, bends: list[float], film: bool = True) -> None:
        self.samples = [sample_of(b, sway_mm=b / 2, film=film) for b in bends]

    described = "made spines"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> TrainingSample:
        return self.samples[index]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def made() -> Callable[..., TrainingSample]:
    return sample_of


@pytest.fixture
def source() -> MadeSource:
    return MadeSource([5.0, 10.0, 15.0, 20.0, 25.0, 30.0])


@pytest.fixture(scope="session")
def made_source() -> Callable[[list[float]], MadeSource]:
    """Spines of any bends as a ``SampleSource``."""
    return MadeSource


@pytest.fixture
def config() -> ModelConfig:
    return ModelConfig(
        width=24, token_width=16, heads=2, structure_blocks=1, radiograph_blocks=1, landmark_modes=5,
        profile_width=12, decoder_width=8,
    )
