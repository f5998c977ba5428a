"""Arguments that several subcommands share, and how they are read."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from edge.errors import UsageError
from edge.privacy.subject import SUBJECT_REFERENCE_RULE, is_opaque
from edge.runtime.runtimes import PRECISIONS, RUNTIMES


def add_camera(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """``--camera``: required where there is no default."""
    parser.add_argument(
        "--camera", metavar="URI", default=default, required=default is None,
        help="realsense:[SERIAL] (on USB), file:PATH (.mcap, .bag or .db3 recording), demo (the shipped recording), "
        "or file:PATH#loop and demo:loop (without end)"
        + (f"; default {default}" if default else ""),
    )


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """``--bundle``, ``--runtime`` and ``--threads``."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="model bundle; default: the one that is shipped")
    parser.add_argument("--runtime", choices=RUNTIMES, default="auto",
                        help="what runs the model; auto: TensorRT where the bundle holds engines that are valid here, "
                             "else ONNX Runtime (default: auto)")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of the model; default: all cores")


def add_precision(parser: argparse.ArgumentParser) -> None:
    """``--precision``."""
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32",
                        help="which of the bundle's files ONNX Runtime runs; int8 needs those of latx-calib quantize; "
                             "TensorRT engines have the precision that they were built in (default: fp32)")


def positive(text: str) -> int:
    """A whole number above 0."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, found {text!r}")
    return int(text)


def positive_seconds(text: str) -> float:
    """A finite number of seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"expected seconds above 0, found {text!r}")
    return seconds


def subject_reference(text: str | None) -> str | None:
    """The operator's opaque reference.

    Raises:
        UsageError: it could be a name: only letters, digits, ``.``, ``_`` and ``-``, at least one digit, 64 at most.
    """
    if text is None:
        return None
    if not is_opaque(text):
        raise UsageError("the reference must be opaque, never a name", where="--subject-ref",
                         expected=SUBJECT_REFERENCE_RULE, found=repr(text[:64]),
                         mend="give the number that your own list keeps for the child")
    return text
