"""A stand-in for both stages in plain numpy: one mean spine, moved to where the back is.

It keeps every promise of a ``StageRunner`` and knows nothing of the subject but where the skin lies, so it serves
tests, dry runs of a kiosk and as the population-mean baseline. It can be told to fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import ENDPLATES, VERTEBRAE
from edge.errors import BundleError
from edge.measure.intervals import NORMAL_90
from edge.runtime.bundle import Bundle
from edge.runtime.manifest import INTERVAL_NAMES, Manifest
from edge.runtime.runner import Tensors, TensorSpec, check_finite, check_tensors
from edge.runtime.stages import STAGES, TensorRule
from edge.view.grid import LATERAL_VIEW, RADIOGRAPH

FAILURES: Final = ("error", "not_finite", "other_shape")
"""What a runner can be told to do instead of answering."""

# Sagittal tilts (degrees, positive = anterior rim higher) of the mean spine at some vertebrae, linear in between.
# They give T1-T12 43.4, T4-T12 37.7, L1-S1 57.0, L1-L5 46.0 and sacral slope 39.1: the means of the 69 controls of
# https://scoliosisjournal.biomedcentral.com/articles/10.1186/s13013-018-0156-0 (table 2).
_MEAN_TILT_DEG: Final = {
    "C7": -21.0, "T1": -25.7, "T4": -20.0, "T8": -1.0, "T12": 17.7, "L1": 17.9, "L3": 2.0, "L5": -28.1,
}
_S1_TILT_DEG: Final = -39.1
# Superior-to-superior spacing (mm) C7..L5 of a subject of about 160 cm, round numbers. A disc takes about a fifth of
# it in the chest and more in the loin.
_SPACING_MM: Final = np.interp(np.arange(18), [0, 1, 9, 12, 17], [17.0, 18.5, 22.5, 27.0, 33.0])
_DISC_SHARE: Final = np.interp(np.arange(18), [0, 11, 17], [0.20, 0.20, 0.28])
_HALF_DEPTH_MM: Final = np.interp(np.arange(19), [0, 12, 18], [8.0, 14.0, 17.0])
_HALF_WIDTH_MM: Final = np.interp(np.arange(19), [0, 3, 12, 18], [13.0, 13.0, 18.0, 23.0])
_TOP_MM: Final = 35.0  # C7's upper endplate above the shoulders
_SKIN_TO_CENTRE_MM: Final = 72.0  # mean over the levels
_SD_MM: Final = 8.0
_ANGLE_SD_DEG: Final = (12.7, 15.1, 15.0, 10.4, 9.1, 6.7, 12.0, 9.0, 6.0)  # the same controls; coronal: 6


class TemplateRunner:
    """Runs one stage without a network.

    Args:
        stage: a key of ``edge.runtime.stages.STAGES``.
        fail: None, or one of ``FAILURES``. fail_after: number of good answers before it fails.
    """

    runtime = "numpy mean template"

    def __init__(self, stage: str, *, fail: str | None = None, fail_after: int = 0) -> None:
        rule = STAGES[stage]
        if fail is not None and fail not in FAILURES:
            raise ValueError(f"unknown failure {fail!r}; one of {', '.join(FAILURES)}")
        self.stage = stage
        self.inputs = tuple(_spec(rule) for rule in rule.inputs)
        self.outputs = tuple(_spec(rule) for rule in rule.outputs)
        self._fail, self._good_answers, self._open = fail, fail_after, True
        self._answer = {"structure": _structure, "radiograph": _radiograph}[stage]

    def run(self, tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
        """Run the stage once; see ``StageRunner.run``."""
        if not self._open:
            raise BundleError(f"stage {self.stage} was run after it was closed", expected="an open runner",
                              found="a closed one")
        check_tensors(self.stage, "input", self.inputs, tensors)
        outputs = self._answer(tensors)
        self._good_answers -= 1
        if self._fail is not None and self._good_answers < 0:
            outputs = self._failed(outputs)
        check_tensors(self.stage, "output", self.outputs, outputs)
        check_finite(self.stage, outputs)
        return outputs

    def close(self) -> None:
        """Refuse to run from now on."""
        self._open = False

    def _failed(self, outputs: Tensors) -> Tensors:
        first = self.outputs[0].name
        if self._fail == "error":
            raise BundleError(f"stage {self.stage} failed while running", where=self.runtime, expected="outputs",
                              found="a failure that it was told to show")
        if self._fail == "not_finite":
            return outputs | {first: np.full_like(outputs[first], np.nan)}
        return outputs | {first: outputs[first][..., :-1]}


def template_bundle() -> Bundle:
    """A bundle of two stand-ins, ready to run; its manifest says what it is."""
    stages = {
        stage: {
            "file": f"{stage}.none", "sha256": "0" * 64, "bytes": 1,
            "inputs": [vars(spec) for spec in runner.inputs], "outputs": [vars(spec) for spec in runner.outputs],
        }
        for stage, runner in ((stage, TemplateRunner(stage)) for stage in STAGES)
    }
    manifest = Manifest.model_validate({
        "name": "mean-template", "version": "1", "created_at": "2026-01-01T00:00:00Z",
        "trained_on": "nothing: the mean spine of a published cohort", "opset": 18, "fft_lowering": "matmul",
        "precision": "fp64", "stages": stages,
        "model_card": {"file": "none", "sha256": "0" * 64, "bytes": 1},
        "interval_scales": dict.fromkeys(INTERVAL_NAMES, NORMAL_90),
        "template": {"description": "means of a published cohort", "subjects": 69},
    })
    return Bundle(manifest, "0" * 64, TemplateRunner("structure"), TemplateRunner("radiograph"))


def mean_endplates_mm() -> NDArray[np.float64]:
    """(37, 4, 3) the mean standing spine, body frame: C7 above the shoulders, mean x of the vertebrae 0."""
    vertebra = np.interp(np.arange(18), [VERTEBRAE.index(v) for v in _MEAN_TILT_DEG], list(_MEAN_TILT_DEG.values()))
    # Both endplates of a body share its tilt: the mean spine has no wedging. Only the disc opens between two bodies.
    tilt = np.radians([vertebra[VERTEBRAE.index(v)] if v != "S1" else _S1_TILT_DEG for v, _ in ENDPLATES])
    body = _SPACING_MM * (1 - _DISC_SHARE)
    gaps = np.stack([body, _SPACING_MM - body], axis=1).ravel()
    between = (tilt[:-1] + tilt[1:]) / 2
    steps = gaps[:, None] * np.stack([np.sin(between), -np.cos(between), 0 * between], axis=1)
    centres = np.concatenate([[[0.0, _TOP_MM, 0.0]], steps]).cumsum(axis=0)
    centres[:, 0] -= centres[:36, 0].mean()
    level = np.minimum(np.arange(37) // 2, 18)
    forward = _HALF_DEPTH_MM[level, None] * np.stack([np.cos(tilt), np.sin(tilt), 0 * tilt], axis=1)
    rightward = _HALF_WIDTH_MM[level, None] * np.array([0.0, 0.0, 1.0])
    return centres[:, None] + np.stack([forward, -forward, -rightward, rightward], axis=1)


def _structure(tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
    endplates = mean_endplates_mm()
    midline = tensors["lateral_lift"][0, 0]
    seen = midline.max(axis=1) > 0
    if seen.any():
        skin_x = LATERAL_VIEW.u_of(midline.argmax(axis=1)[seen].astype(np.float64))
        endplates[..., 0] += np.median(skin_x) + _SKIN_TO_CENTRE_MM
    structure = _column_map(endplates)
    tokens = endplates[[*range(0, 36, 2), 36]].reshape(19, 12) / 100.0
    return {
        "endplates_mm": endplates[None].astype(np.float32),
        "endplates_sd_mm": np.full((1, 37, 4, 3), _SD_MM, np.float32),
        "angle_sd_deg": np.asarray([_ANGLE_SD_DEG], np.float32),
        "warped_template": _on_film(np.stack([1.0 + 2.0 * structure, structure]))[None],
        "back_features": tensors["back_view"].reshape(1, 8, 32, 8, 16, 8).mean(axis=(3, 5)),
        "landmark_tokens": tokens[None].astype(np.float32),
    }


def _radiograph(tensors: Mapping[str, NDArray[np.float32]]) -> Tensors:
    return {"log_attenuation": tensors["warped_template"][:, :1].copy()}


def _on_film(images: NDArray[np.float64]) -> NDArray[np.float32]:
    """(C, 256, 128) on LATERAL_VIEW -> (C, 512, 256) float32 on RADIOGRAPH, each pixel repeated."""
    scale = round(LATERAL_VIEW.mm_per_px / RADIOGRAPH.mm_per_px)
    return np.kron(images, np.ones((1, scale, scale))).astype(np.float32)


def _column_map(endplates_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """(256, 128) 1 on the vertebral bodies, falling off smoothly around them; LATERAL_VIEW."""
    centres = endplates_mm.mean(axis=1)
    y = LATERAL_VIEW.y_of(np.arange(LATERAL_VIEW.rows, dtype=np.float64))
    x = LATERAL_VIEW.u_of(np.arange(LATERAL_VIEW.cols, dtype=np.float64))
    level = np.interp(-y, -centres[:, 1], np.arange(37.0), left=-1, right=-1)
    middle = np.interp(-y, -centres[:, 1], centres[:, 0])
    half = np.interp(level, np.arange(37.0), np.linspace(10, 18, 37))
    inside = np.clip((half[:, None] - np.abs(x[None] - middle[:, None])) / 4.0 + 0.5, 0.0, 1.0)
    disc = 0.75 + 0.25 * np.cos(np.pi * level) ** 2
    return np.where(level[:, None] >= 0, inside * disc[:, None], 0.0)


def _spec(rule: TensorRule) -> TensorSpec:
    free = {"back_features": 8, "landmark_tokens": 12}
    return TensorSpec(rule.name, tuple(n if n is not None else free[rule.name] for n in rule.shape))
