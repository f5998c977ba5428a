from __future__ import annotations

import io

from export.engine.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_grows_with_the_outermost_phase_and_ends_clean():
    stream = Terminal()
    progress = Progress("structure", stream)
    progress.start("Building engine", 2)
    progress.start("Timing", 4)
    shown = []
    for step in range(4):
        assert progress.step("Timing", step)
        shown.append(stream.getvalue().rsplit("\r", 1)[1].split("]")[1].split("%")[0].strip())
    assert shown == ["12", "25", "38", "50"]
    progress.finish("Timing")
    progress.step("Building engine", 0)
    progress.finish("Building engine")
    assert stream.getvalue().endswith("\r")


def test_nothing_is_written_where_nobody_looks():
    stream = io.StringIO()
    progress = Progress("structure", stream)
    progress.start("Building engine", 2)
    progress.step("Building engine", 0)
    assert stream.getvalue() == ""


def test_after_a_cancel_every_step_says_stop():
    progress = Progress("structure", io.StringIO())
    progress.start("Building engine", 2)
    assert progress.step("Building engine", 0)
    progress.cancel()
    assert not progress.step("Building engine", 1)
