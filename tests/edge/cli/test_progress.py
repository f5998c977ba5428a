from __future__ import annotations

import io

from edge.cli.progress import Progress
from edge.view.gates import refuse


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_each_frame_and_what_to_do_about_it(make_measurements):
    stream = Terminal()
    with Progress(12, stream) as progress:
        progress.show(1, make_measurements())
        progress.show(2, refuse("too_close", "at least 0.7 m", "0.5 m"))
    shown = stream.getvalue()
    assert "frame 1: measured   [1 of 12]" in shown
    assert "frame 2: too_close: Step away from the camera" in shown
    assert shown.endswith("\r")
    assert "\n" not in shown


def test_a_log_file_is_left_alone(make_measurements):
    stream = io.StringIO()
    with Progress(12, stream) as progress:
        progress.show(1, make_measurements())
    assert stream.getvalue() == ""
