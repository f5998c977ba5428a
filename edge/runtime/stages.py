"""The two stages and their tensors: the one table that export writes, bundles declare and runners are checked by.

All tensors are float32, batch 1, static. Frames and grids are those of ``edge.view.grid``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.runtime.runner import TensorSpec


@dataclass(frozen=True)
class TensorRule:
    """What a tensor must look like; None is a size that the model chooses."""

    name: str
    shape: tuple[int | None, ...]

    def accepts(self, spec: TensorSpec) -> bool:
        """Whether a declared tensor keeps to this rule."""
        return (
            spec.name == self.name
            and spec.dtype == "float32"
            and len(spec.shape) == len(self.shape)
            and all(size > 0 and rule in (None, size) for size, rule in zip(spec.shape, self.shape, strict=True))
        )

    def __str__(self) -> str:
        return f"{self.name} float32[{', '.join('any' if n is None else str(n) for n in self.shape)}]"


@dataclass(frozen=True)
class StageRule:
    """Inputs and outputs of one stage, in the order of the ONNX graph."""

    inputs: tuple[TensorRule, ...]
    outputs: tuple[TensorRule, ...]


ENDPLATES_MM: Final = TensorRule("endplates_mm", (1, 37, 4, 3))  # body frame
LATERAL_LIFT: Final = TensorRule("lateral_lift", (1, 4, 256, 128))  # edge.lift.LIFT_CHANNELS on LATERAL_VIEW
WARPED_TEMPLATE: Final = TensorRule("warped_template", (1, 2, 512, 256))  # log-attenuation, bodies; on RADIOGRAPH
BACK_FEATURES: Final = TensorRule("back_features", (1, None, 32, 16))
LANDMARK_TOKENS: Final = TensorRule("landmark_tokens", (1, 19, None))  # C7..L5, S1
LOG_ATTENUATION: Final = TensorRule("log_attenuation", (1, 1, 512, 256))  # -ln(I / I0) on RADIOGRAPH

ONLY_BETWEEN: Final = frozenset({WARPED_TEMPLATE.name, BACK_FEATURES.name, LANDMARK_TOKENS.name})
"""Outputs of stage 1 that nobody but stage 2 reads: a runtime that joins the stages leaves them where they are."""

STAGES: Final[dict[str, StageRule]] = {
    "structure": StageRule(
        inputs=(
            TensorRule("back_view", (1, 8, 256, 128)),  # edge.lift.BACK_CHANNELS on BACK_VIEW
            LATERAL_LIFT,
        ),
        outputs=(
            ENDPLATES_MM,
            TensorRule("endplates_sd_mm", (1, 37, 4, 3)),
            TensorRule("angle_sd_deg", (1, 9)),  # edge.anatomy.ANGLE_NAMES, then cobb_major
            WARPED_TEMPLATE,
            BACK_FEATURES,
            LANDMARK_TOKENS,
        ),
    ),
    "radiograph": StageRule(
        inputs=(WARPED_TEMPLATE, LATERAL_LIFT, BACK_FEATURES, LANDMARK_TOKENS, ENDPLATES_MM),
        outputs=(LOG_ATTENUATION,),
    ),
}

OPTIONAL_STAGES: Final[dict[str, StageRule]] = {
    "reader": StageRule(
        inputs=(LOG_ATTENUATION,),
        outputs=(TensorRule("endplates", (1, 37, 4)),),  # edge.measure.reading.rims_of says what the four are
    ),
}
"""Stages that a bundle may hold beside the two: what they add is a check, and no angle depends on it."""

ALL_STAGES: Final[dict[str, StageRule]] = STAGES | OPTIONAL_STAGES
"""Every network that a bundle may hold."""
