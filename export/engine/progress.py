"""The builder's progress as one line on a terminal, and the way to stop it.

TensorRT reports nested phases with their steps. The line shows the phase that is at work and how much of the outermost
one is done. Where stderr is no terminal, nothing is written.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final, TextIO

_BAR: Final = 24


@dataclass
class _Phase:
    name: str
    steps: int
    done: int = 0

    @property
    def share(self) -> float:
        return min(self.done / self.steps, 1.0) if self.steps > 0 else 0.0


class Progress:
    """What the monitor tells, as a line. Callbacks come from the builder's threads, one after the other.

    Args:
        title: what is being built.
    """

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title, self._stream = title, sys.stderr if stream is None else stream
        self._visible, self._phases, self._shown = self._stream.isatty(), list[_Phase](), ""
        self.cancelled = False
        self.steps = 0

    def cancel(self) -> None:
        """Have the builder stop at its next step."""
        self.cancelled = True

    def start(self, name: str, steps: int) -> None:
        """A phase begins within the one that began last."""
        self._phases.append(_Phase(name, steps))
        self._draw()

    def step(self, name: str, step: int) -> bool:
        """A step of a phase is done; the answer is whether to go on."""
        self.steps += 1
        for phase in self._phases:
            if phase.name == name:
                phase.done = step + 1
        self._draw()
        return not self.cancelled

    def finish(self, name: str) -> None:
        """A phase has ended."""
        self._phases = [phase for phase in self._phases if phase.name != name]
        self._draw()

    def _draw(self) -> None:
        if not self._visible:
            return
        share, width = 0.0, 1.0
        for phase in self._phases:  # each phase is one step of the phase around it
            share += width * phase.share
            width /= max(phase.steps, 1)
        filled = int(_BAR * min(share, 1.0))
        bar = "#" * filled + "." * (_BAR - filled)
        doing = self._phases[-1].name[:48] if self._phases else ""
        line = f"{self._title} [{bar}] {share * 100:3.0f} % {doing}" if self._phases else ""
        if line != self._shown:
            self._stream.write("\r" + line.ljust(len(self._shown)) + ("" if line else "\r"))
            self._stream.flush()
            self._shown = line


def make_monitor(trt: Any, progress: Progress) -> Any:
    """``progress`` as an ``IProgressMonitor`` of ``trt``. An exception must never reach the builder from here."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Forwards to ``progress``."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            """A phase begins."""
            del parent_phase
            progress.start(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            """A step is done; False stops the build."""
            return progress.step(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            """A phase ends."""
            progress.finish(phase_name)

    return Monitor()
