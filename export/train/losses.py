"""The losses of both stages. Truth may hold NaN where a source does not know: those entries take no part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from edge.view.grid import LATERAL_VIEW
from export.model.config import UNKNOWN_EXPERT
from export.model.sdn import lateral_normalised
from export.model.structure import Structure
from export.train.angles import (
    ANTERIOR,
    LEFT,
    POSTERIOR,
    RIGHT,
    centreline_slopes,
    cobb_angle,
    coronal_tilts,
    endplate_angles,
    sagittal_tilts,
)


@dataclass(frozen=True)
class StructureWeights:
    """Weights of stage 1's terms: millimetres and degrees are brought to a like size, angles lead."""

    landmark: float = 0.30
    length: float = 0.30
    tilt: float = 0.10
    angle: float = 0.20
    slope: float = 0.10
    coronal: float = 0.10
    cobb: float = 0.16
    first: float = 0.30  # the same terms on the profile branch's own estimate
    free: float = 0.002  # the free part stays small unless it pays
    point_sd: float = 0.02
    angle_sd: float = 0.05
    image: float = 0.5
    flow_landmark: float = 0.3
    smooth: float = 5.0
    gate: float = 0.5


HUBER_MM: Final = 2.0
BLOCK_PX: Final = 4  # of the half-resolution film: 12 mm
HUBER_DEG: Final = 2.0


def masked_huber(got: Tensor, want: Tensor, beta: float) -> Tensor:
    """Mean Huber loss (slope 1 beyond ``beta``) over the finite entries of ``want``."""
    known = torch.isfinite(want)
    safe = torch.where(known, want, got.detach())
    loss = functional.smooth_l1_loss(got, safe, beta=beta, reduction="none")
    return (loss * known).sum() / known.sum().clamp(min=1)


def line_lengths(endplates_mm: Tensor) -> Tensor:
    """(B, 37, 4, 3) -> (B, 37, 2) mm: lengths of the sagittal and of the coronal line of each endplate.

    Angles do not care for lengths, so steps that lower their loss are orthogonal to the lines and, being finite,
    lengthen them without end: something has to hold the length by itself.
    """
    sagittal = endplates_mm[:, :, ANTERIOR] - endplates_mm[:, :, POSTERIOR]
    coronal = endplates_mm[:, :, RIGHT] - endplates_mm[:, :, LEFT]
    return torch.sqrt(torch.stack([sagittal, coronal], dim=2).square().sum(-1) + 1e-6)


def geometry_terms(got_mm: Tensor, want_mm: Tensor) -> dict[str, Tensor]:
    """Landmark (mm) and angle (degrees) terms of one estimate of the endplates, both (B, 37, 4, 3).

    The Cobb angle is the largest of many differences: tilts that are each as near as can be give one that is too small.
    """
    got_tilts, want_tilts = sagittal_tilts(got_mm), sagittal_tilts(want_mm)
    got_coronal, want_coronal = coronal_tilts(got_mm), coronal_tilts(want_mm)
    return {
        "landmark": masked_huber(got_mm, want_mm, HUBER_MM),
        "length": masked_huber(line_lengths(got_mm), line_lengths(want_mm), HUBER_MM),
        "tilt": masked_huber(got_tilts, want_tilts, HUBER_DEG),
        "angle": masked_huber(endplate_angles(got_tilts), endplate_angles(want_tilts), HUBER_DEG),
        "slope": masked_huber(centreline_slopes(got_mm), centreline_slopes(want_mm), HUBER_DEG),
        "coronal": masked_huber(got_coronal, want_coronal, HUBER_DEG),
        "cobb": masked_huber(cobb_angle(got_coronal), cobb_angle(want_coronal), HUBER_DEG),
    }


def gaussian_nll(error: Tensor, sd: Tensor) -> Tensor:
    """Mean negative log-likelihood of finite errors under N(0, sd), without the constant."""
    known = torch.isfinite(error)
    safe = torch.where(known, error, torch.zeros_like(error))
    return ((torch.log(sd) + 0.5 * (safe / sd) ** 2) * known).sum() / known.sum().clamp(min=1)


def gate_term(logits: Tensor, expert: Tensor) -> Tensor:
    """Mean cross-entropy of the gate (B, experts) over the backs whose expert (B,) is known."""
    loss = functional.cross_entropy(logits, expert, ignore_index=UNKNOWN_EXPERT, reduction="sum")
    return loss / (expert != UNKNOWN_EXPERT).sum().clamp(min=1)


def flow_smoothness(flow: Tensor) -> Tensor:
    """Mean square difference of neighbouring flow vectors."""
    return (flow[:, :, 1:] - flow[:, :, :-1]).square().mean() + (flow[..., 1:] - flow[..., :-1]).square().mean()


def flow_landmarks(flow: Tensor, endplates_mm: Tensor, template_points: Tensor) -> Tensor:
    """Millimetres by which endplates (B, 37, 4, 3) are led past the template's landmarks.

    Held on stage 1's own endplates: the true ones lie millimetres beside them, and a flow that must lead those
    home too learns to widen every body (regression dilution).
    """
    known = torch.isfinite(endplates_mm[..., :2]).all(-1).flatten(1)
    points = lateral_normalised(torch.nan_to_num(endplates_mm)).flatten(1, 2)
    inside = (points.abs() < 1).all(-1) & known
    sampled = functional.grid_sample(flow, points.unsqueeze(1), mode="bilinear", align_corners=False)
    led = points + sampled[:, :, 0].transpose(1, 2)
    half = torch.tensor([LATERAL_VIEW.cols, LATERAL_VIEW.rows], device=flow.device) * (LATERAL_VIEW.mm_per_px / 2)
    error = functional.smooth_l1_loss(
        led * half, (template_points * half).expand_as(led), beta=HUBER_MM, reduction="none"
    ).mean(-1)
    return (error * inside).sum() / inside.sum().clamp(min=1)


def half_resolution(film: Tensor) -> tuple[Tensor, Tensor]:
    """Log-attenuation (B, 1, 512, 256) with NaN -> (B, 1, 256, 128) mean of what is known, and how much is known."""
    known = torch.isfinite(film).float()
    mean = functional.avg_pool2d(torch.nan_to_num(film), 2)
    weight = functional.avg_pool2d(known, 2)
    return mean / weight.clamp(min=0.25), (weight > 0.5).float()


def _template_term(warped: Tensor, film: Tensor) -> Tensor:
    """L1 of block means of the warped template against the film: outlines, not detail that a back does not tell.

    Images are dear: the first quarter of the batch.
    """
    count = max(1, warped.shape[0] // 4)
    image, known = half_resolution(film[:count])
    difference = (functional.avg_pool2d(warped[:count, :1], 2) - image) * known
    blocks = functional.avg_pool2d(difference, BLOCK_PX).abs()
    return blocks.sum() / functional.avg_pool2d(known, BLOCK_PX).sum().clamp(min=1)


def structure_loss(
    got: Structure, batch: dict[str, Tensor], angle_error_deg: Tensor, template_points: Tensor,
    weights: StructureWeights,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Total loss of stage 1 and its terms.

    angle_error_deg: (B, 9) errors of the measured angles, from ``edge.measure``: target of the angle sd.
    """
    want = batch["endplates_mm"]
    terms = geometry_terms(got.endplates_mm, want)
    first = geometry_terms(got.first_endplates_mm, want)
    total = sum((getattr(weights, name) * value for name, value in terms.items()), got.endplates_mm.new_zeros(()))
    total = total + weights.first * sum(getattr(weights, name) * value for name, value in first.items())
    terms["first_angle"] = first["angle"]
    extra = {
        "free": got.free_mm.square().mean(),
        "point_sd": gaussian_nll(got.endplates_mm.detach() - want, got.endplates_sd_mm),
        "angle_sd": gaussian_nll(angle_error_deg, got.angle_sd_deg),
        "flow_landmark": flow_landmarks(got.flow, got.endplates_mm.detach(), template_points),
        "smooth": flow_smoothness(got.flow),
        "gate": gate_term(got.gate, batch["expert"]),
    }
    extra["image"] = _template_term(got.warped_template, batch["log_attenuation"])
    for name, value in extra.items():
        total = total + getattr(weights, name) * value
    return total, {**terms, **extra}
