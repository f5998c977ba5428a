"""Sizes and ablation switches of the two stages; stored in every checkpoint and in the model card."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from edge.anatomy import ANGLE_NAMES, ENDPLATES, VERTEBRAE
from edge.errors import BundleError

BACK_CHANNEL_COUNT: Final = 8
LIFT_CHANNEL_COUNT: Final = 4
TOKEN_COUNT: Final = len(VERTEBRAE) + 1
"""One landmark token per vertebra C7..L5, and one for S1."""
ENDPLATE_COUNT: Final = len(ENDPLATES)
SD_NAMES: Final = (*ANGLE_NAMES, "cobb_major")
"""Order of the ``angle_sd_deg`` output."""
IMAGE_ROWS, IMAGE_COLS = 256, 128
FILM_ROWS, FILM_COLS = 512, 256
"""The radiograph and the template that is warped on to it."""
COARSE_ROWS, COARSE_COLS = 32, 16
"""The 1/8 scale at which the attention-FFC blocks work."""

EXPERTS: Final = ("sensor", "typical", "hard")
"""One expert per kind of back, called like the phantom tier that teaches it."""
UNKNOWN_EXPERT: Final = -1

PARTS: Final = {
    "ffc": "plain 3x3 convolutions in place of Fourier ones",
    "attention": "no attention between image features and landmark tokens",
    "sdn": "the mean template as it is, not warped",
    "lift": "zeros in place of the view from beside",
}
"""What an ablation can leave out (``ModelConfig.use_*``), and what is there instead."""


@dataclass(frozen=True)
class ModelConfig:
    """What the networks are made of. ``use_*`` switch a part off for an ablation; the I/O stays the same.

    use_ffc: Fourier branch in the residual blocks, else plain 3x3 convolutions.
    use_attention: cross attention between image features and landmark tokens.
    use_sdn: warp the mean lateral template by the velocity field, else hand it on unwarped.
    use_lift: see the lateral lift, else zeros are seen in its place.
    """

    width: int = 96
    token_width: int = 64
    heads: int = 4
    global_ratio: float = 0.5
    structure_blocks: int = 5
    radiograph_blocks: int = 6
    landmark_modes: int = 48
    profile_width: int = 48
    squarings: int = 6
    decoder_width: int = 48
    use_ffc: bool = True
    use_attention: bool = True
    use_sdn: bool = True
    use_lift: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain values, for checkpoints and the model card."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ModelConfig:
        """Inverse of ``to_json``.

        Raises:
            BundleError: a field that this version does not know.
        """
        unknown = sorted(set(values) - {f.name for f in fields(cls)})
        if unknown:
            raise BundleError("checkpoint of another model version", expected="known fields", found=str(unknown))
        return cls(**values)
