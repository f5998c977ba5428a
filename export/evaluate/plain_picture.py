"""The baseline that only draws: the plain U-Net's radiograph on the views of a scan, and what is read off it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from edge.lift import back_tensor
from edge.runtime.bundle import Bundle
from edge.scan import reread
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
    def draw(self, view: BackView) -> NDArray[np.float32]:
        """(512, 256) log attenuation on the grid RADIOGRAPH of the view's body frame."""
        film: NDArray[np.float32] = self._net(torch.from_numpy(back_tensor(view))[None])[0, 0].numpy()
        return film

    def read_off(self, views: Sequence[BackView], bundle: Bundle) -> dict[str, float]:
        """Median angle over the views, as the bundle's reader reads it; empty where the bundle has none."""
        read = [angles for view in views if (angles := reread(bundle, self.draw(view)))]
        return {name: float(np.median([angles[name] for angles in read])) for name in read[0]} if read else {}
