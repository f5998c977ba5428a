"""The subject's reference: opaque, given by the host, never a name."""

from __future__ import annotations

import re
from typing import Final

SUBJECT_REFERENCE: Final = r"^(?=.*[0-9])[A-Za-z0-9._-]{1,64}$"
"""Letters, digits, ``.``, ``_`` and ``-``, with at least one digit: no space, so no first name with a last name."""
SUBJECT_REFERENCE_RULE: Final = "up to 64 letters, digits, '.', '_' or '-', with a digit"

_REFERENCE: Final = re.compile(SUBJECT_REFERENCE)


def is_opaque(reference: str, pattern: str | None = None) -> bool:
    """Whether ``reference`` keeps to the rule, and to the operator's own ``pattern`` where there is one."""
    if not _REFERENCE.fullmatch(reference) or reference.endswith("\n"):
        return False
    return pattern is None or re.fullmatch(pattern, reference) is not None
