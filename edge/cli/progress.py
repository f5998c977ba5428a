"""One line on a terminal that says what becomes of each frame while a scan runs."""

from __future__ import annotations

import sys
from typing import TextIO

from edge.pipeline import Measurements
from edge.scan import Outcome


class Progress:
    """Rewrites one line of stderr per frame; silent where stderr is not a terminal."""

    def __init__(self, wanted: int, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._wanted, self._measured, self._shown = wanted, 0, 0
        self._visible = self._stream.isatty()

    def show(self, number: int, outcome: Outcome) -> None:
        """Tell the outcome of frame ``number`` (from 1)."""
        accepted = isinstance(outcome, Measurements)
        self._measured += accepted
        verdict = "measured" if isinstance(outcome, Measurements) else f"{outcome.reason}: {outcome.advice}"
        self._write(f"frame {number}: {verdict}   [{self._measured} of {self._wanted}]")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        if self._visible:
            self._stream.write("\r" + text.ljust(self._shown) + ("" if text else "\r"))
            self._stream.flush()
            self._shown = len(text)
