"""The prior that stage 1 starts from: the lateral template and the shape model of the endplates.

The template is the most typical training radiograph, carried on to the mean landmarks.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from edge.errors import BundleError, UsageError
from export.model.config import FILM_COLS, FILM_ROWS, ModelConfig
from export.model.landmark_map import LandmarkMap
from export.model.sdn import SpatialDeformation, integrate, lateral_normalised
from export.model.structure import StructureNet
from export.train.sample import SampleSource

TILT_WEIGHT = 4.0
"""Weight of rim differences against centres when modes are chosen: 1 mm across a 30 mm endplate is 2 degrees."""


@dataclass(frozen=True)
class Prior:
    """mean_mm (37, 4, 3), modes_mm (K, 37, 4, 3) whitened, template (2, 512, 256); float32."""

    mean_mm: NDArray[np.float32]
    modes_mm: NDArray[np.float32]
    template: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write atomically as .npz."""
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, mean_mm=self.mean_mm, modes_mm=self.modes_mm, template=self.template)
        os.replace(part, path)

    @classmethod
    def load(cls, path: Path) -> Prior:
        """Read what ``save`` wrote.

        Raises:
            BundleError: missing file or arrays.
        """
        try:
            with np.load(path) as data:
                return cls(data["mean_mm"], data["modes_mm"], data["template"])
        except (OSError, KeyError, ValueError) as error:
            raise BundleError(
                "cannot read the prior", where=str(path), expected="an .npz of latx-export fit-template",
                found=str(error), mend="run latx-export fit-template",
            ) from error

    def into(self, net: StructureNet) -> None:
        """Copy into the buffers of ``net``."""
        net.load_prior(*(torch.from_numpy(np.asarray(a)) for a in (self.mean_mm, self.modes_mm, self.template)))


def _rim_transform() -> NDArray[np.float64]:
    """(4, 4): four rim points -> centre, weighted sagittal line, weighted coronal line, weighted skew."""
    w = TILT_WEIGHT / 2
    return np.array([[0.5, 0.5, 0.5, 0.5], [w, -w, 0, 0], [0, 0, -w, w], [0.5, 0.5, -0.5, -0.5]])


def shape_modes(endplates_mm: NDArray[np.floating], count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean (37, 4, 3) and whitened principal modes (<= count, 37, 4, 3) of (N, 37, 4, 3) endplates.

    The mirror image of every subject is counted too, so the mean is symmetric and modes are even or odd in z.
    """
    mirrored = endplates_mm[:, :, [0, 1, 3, 2]] * np.array([1.0, 1.0, -1.0])
    both = np.concatenate([endplates_mm, mirrored]).astype(np.float64)
    mean = both.mean(axis=0)
    transform = _rim_transform()
    weighted = np.einsum("ij,nejc->neic", transform, both - mean).reshape(len(both), -1)
    _, singular, axes = np.linalg.svd(weighted, full_matrices=False)
    kept = min(count, int((singular > 1e-6 * singular[0]).sum()))
    scaled = axes[:kept] * (singular[:kept, None] / np.sqrt(len(both)))
    modes = np.einsum("ij,kejc->keic", np.linalg.inv(transform), scaled.reshape(kept, -1, 4, 3))
    return mean.astype(np.float32), modes.astype(np.float32)


@torch.no_grad()
def lateral_template(source: SampleSource, mean_mm: NDArray[np.float32], images: int) -> NDArray[np.float32]:
    """(2, 512, 256): log-attenuation of the most typical film on the mean landmarks, and their vertebral bodies.

    Films are first carried so that their landmarks lie on the mean landmarks, by the same kernel and integration
    that the network uses. Their mean tells what is typical, the film nearest to it gives the picture: a mean of
    films has no ribs, no trabeculae and no edges for the network to carry anywhere.
    """
    deform = SpatialDeformation(ModelConfig(), mean_mm.shape[0] * 4).eval()
    points = lateral_normalised(torch.from_numpy(mean_mm).reshape(1, -1, 3))
    total, weight = torch.zeros(1, 1, FILM_ROWS, FILM_COLS), torch.zeros(1, 1, FILM_ROWS, FILM_COLS)
    carried = []
    for index in range(len(source)):
        sample = source[index]
        if sample.log_attenuation is None or sample.endplates_mm is None or not np.isfinite(sample.endplates_mm).all():
            continue
        film = torch.from_numpy(sample.log_attenuation.astype(np.float32))[None, None]
        known = torch.isfinite(film).float()
        pair = torch.cat([torch.nan_to_num(film) * known, known], dim=1)
        # Here the roles are exchanged: the subject's landmarks are the target that the mean points are led to.
        own = lateral_normalised(torch.from_numpy(sample.endplates_mm.astype(np.float32)).reshape(1, -1, 3))
        deform.template_points.copy_(own[0])
        shift, _ = deform.guess(points)
        warped = deform.carry(pair, integrate(shift, deform.field_grid, deform.squarings))
        total += warped[:, :1]
        weight += warped[:, 1:]
        carried.append(warped[0].half())
        if len(carried) == images:
            break
    if not carried:
        raise UsageError("no sample with radiograph and landmarks to average", mend="render with radiographs")
    mean = (total / weight.clamp(min=1e-3))[0, 0]
    # A film that does not reach the grid's edges everywhere cannot be carried without a seam.
    distance = [float((w[0].float() - mean).abs().mean() + 2 * (1 - w[1].float()).mean()) for w in carried]
    film, known = carried[int(np.argmin(distance))].float()
    image = torch.where(known > 0.999, film, mean)
    bodies = functional.interpolate(LandmarkMap()(torch.from_numpy(mean_mm)[None])[:, :1], scale_factor=2.0,
                                    mode="bilinear", align_corners=False)
    return torch.stack([image, bodies[0, 0]]).numpy()


def fit_prior(source: SampleSource, modes: int, images: int = 256) -> Prior:
    """Fit both parts on training subjects (never on validation or test seeds)."""
    known = (source[i].endplates_mm for i in range(len(source)))
    complete = [e for e in known if e is not None and np.isfinite(e).all()]
    if len(complete) < 2:
        raise UsageError("too few subjects with landmarks", expected="at least 2", found=str(len(complete)))
    mean, basis = shape_modes(np.stack(complete), modes)
    return Prior(mean, basis, lateral_template(source, mean, images))
