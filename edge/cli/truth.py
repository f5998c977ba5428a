"""The true angles of a subject, where a recording comes with them: a phantom, or an imported scan."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Final

from edge.errors import RecordingError

DEMO_TRUTH: Final = Path(__file__).resolve().parent.parent / "demo" / "truth.json"
TRUTH_FILE: Final = "truth.json"


def true_angles(camera: str) -> dict[str, float]:
    """Angles of ``truth.json`` beside the recording, by name without the unit suffix; empty where there is none.

    Args:
        camera: the URI that was scanned.

    Raises:
        RecordingError: the file is there but holds no angles.
    """
    scheme, _, rest = camera.partition(":")
    path = DEMO_TRUTH if scheme == "demo" else Path(os.path.expanduser(rest)).parent / TRUTH_FILE
    if scheme not in ("demo", "file") or not os.path.isfile(path):  # unlike Path.is_file, never raises
        return {}
    try:
        angles = json.loads(path.read_text(encoding="utf-8"))["angles"]
        true = {name.removesuffix("_deg"): float(value) for name, value in angles.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as failure:
        raise RecordingError("the true angles beside the recording cannot be read", where=str(path),
                             expected='{"angles": {"<name>_deg": number, ...}}',
                             found=f"{type(failure).__name__}: {failure}", mend="write or remove the file") from None
    return {name: value for name, value in true.items() if math.isfinite(value)}
