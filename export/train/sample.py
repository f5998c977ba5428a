"""The one training sample and the one protocol that every data source speaks: phantom cache and real pairs alike.

A sample keeps the numpy ``BackView`` that the device would have made, so that augmentation happens before
``edge.lift`` and the network sees exactly the tensors of the device's path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from export.model.config import UNKNOWN_EXPERT

if TYPE_CHECKING:
    from edge.view.back_view import BackView

AS_SEEN: Final = 0.2
"""Share of the variants whose surface stays as the device saw it.

Few: cut edges and other flanks are what scanned backs are known by. But some: a gate that saw whole backs of one kind
only would take every whole back for that kind.
"""


@dataclass(frozen=True)
class TrainingSample:
    """One subject: the back view and what is known about the spine behind it.

    view: the gated back view, on grid ``BACK_VIEW``, as ``edge.view.see`` returns it.
    endplates_mm: (37, 4, 3) float32, body frame of ``view``; order of ``edge.anatomy.ENDPLATES`` x
        ``ENDPLATE_POINTS``. NaN where the source does not know a coordinate (a lateral film shows no z): the
        losses leave those out. None where there is no truth at all.
    log_attenuation: (512, 256) float32 on grid ``RADIOGRAPH``, -ln(I/I0); NaN outside the film. None where the
        sample has no radiograph.
    source: where it came from, for messages and split checks, e.g. ``"phantom:1000000"`` or ``"pair:0007"``.
    as_seen: share of its augmented variants whose surface is left alone.
    expert: index of ``EXPERTS`` that should answer for it; ``UNKNOWN_EXPERT`` where nothing says so.
    """

    view: BackView
    endplates_mm: NDArray[np.float32] | None
    log_attenuation: NDArray[np.float32] | None
    source: str
    as_seen: float = AS_SEEN
    expert: int = UNKNOWN_EXPERT


@runtime_checkable
class SampleSource(Protocol):
    """A finite, randomly accessible set of samples; reading the same index twice gives the same sample."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> TrainingSample: ...
