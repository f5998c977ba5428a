"""Both trained networks of a run folder, or a clear refusal: wrong file, wrong stage, another architecture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from torch import nn

from edge.errors import BundleError
from export.model.radiograph import RadiographNet
from export.model.structure import StructureNet
from export.train.loop import load_checkpoint
from export.train.radiograph_trainer import load_radiograph
from export.train.structure_trainer import load_structure

_MAX_NAMED: Final = 3


def load_networks(run_folder: Path) -> tuple[StructureNet, RadiographNet]:
    """Read ``structure.pt`` and ``radiograph.pt``, in evaluation mode.

    Raises:
        BundleError: a file is missing, damaged, of the other stage or of another architecture; or both do not fit
            each other.
    """
    structure = load_network(run_folder / "structure.pt", load_structure)
    radiograph = load_network(run_folder / "radiograph.pt", load_radiograph)
    for shared in ("width", "token_width"):
        mine, others = getattr(structure.config, shared), getattr(radiograph.config, shared)
        if mine != others:
            raise BundleError("the two stages do not fit each other", where=str(run_folder),
                              expected=f"radiograph.pt of {shared} {mine}", found=str(others),
                              mend="train the radiograph on this run's structure")
    return structure, radiograph


def load_network(path: Path, build: Callable[[dict[str, Any]], nn.Module]) -> Any:
    """What ``build`` makes of a weights file.

    Raises:
        BundleError: the file is missing, damaged, of another network or of another architecture.
    """
    weights = load_checkpoint(path)
    try:
        return build(weights)
    except BundleError as refusal:
        raise BundleError(refusal.what, where=str(path), expected=refusal.expected, found=refusal.found,
                          mend="export it with the version that trained it, or train again") from None
    except (KeyError, TypeError, AttributeError) as failure:
        raise BundleError("this is no file of a trained stage", where=str(path), expected="config and net",
                          found=f"no {failure}"[:80], mend="give the folder of latx-export train") from None
    except RuntimeError as failure:  # what load_state_dict raises: one line per tensor that does not fit
        lines = [line.strip() for line in str(failure).splitlines()[1:] if line.strip()]
        raise BundleError("the checkpoint is of another architecture", where=str(path),
                          expected="the layers of this version", found="; ".join(lines[:_MAX_NAMED])[:300],
                          mend="export it with the version that trained it, or train again") from None
