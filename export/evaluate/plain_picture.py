"""The baseline that only draws: the plain U-Net's radiograph on the views of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from edge.lift import back_tensor
from edge.view.back_view import BackView
from export.model.unet import PlainUNet
from export.onnx.networks import load_network
from export.train.pix2pix_trainer import load_pix2pix

NAME: Final = "pix2pix, read off"


class PlainPicture:
    """The U-Net of ``latx-export train pix2pix``."""

    def __init__(self, weights: Path) -> None:
        """Load ``RUN/pix2pix.pt``.

        Raises:
            BundleError: missing, damaged, or of another network.
        """
        self._net: PlainUNet = load_network(weights, load_pix2pix)

    @torch.no_grad()
    def draw(self, views: Sequence[BackView]) -> NDArray[np.float32]:
        """(512, 256) log attenuation on the grid RADIOGRAPH: the mean over a scan's views, each in its body frame."""
        films = [self._net(torch.from_numpy(back_tensor(view))[None])[0, 0].numpy() for view in views]
        return np.asarray(np.mean(films, axis=0), np.float32)
