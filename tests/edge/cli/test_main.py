from __future__ import annotations

import subprocess
import sys

import pytest

from edge.cli import COMMANDS, main
from edge.errors import EXIT_CODES

UNFORESEEN = """
import sys
import edge.cli.scan as command
def run(args):
    raise ZeroDivisionError("two lines\\nof it")
command.run = run
from edge.cli import main
sys.exit(main(["scan", "--camera", "demo"]))
"""


@pytest.mark.parametrize("argv", [[], *([name] for name in COMMANDS)])
def test_help_names_every_exit_code(capsys, argv):
    with pytest.raises(SystemExit) as stop:
        main([*argv, "-h"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"  {code:<4} {meaning}" in shown for code, meaning in EXIT_CODES.items())


def test_an_unforeseen_failure_is_one_line_and_says_how_to_see_more():
    done = subprocess.run([sys.executable, "-c", UNFORESEEN], capture_output=True, text=True, check=False, env={})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "ZeroDivisionError: two lines of it" in done.stderr
    assert "LATX_DEBUG=1" in done.stderr


def test_its_traceback_is_shown_when_asked_for():
    done = subprocess.run([sys.executable, "-c", UNFORESEEN], capture_output=True, text=True, check=False,
                          env={"LATX_DEBUG": "1"})
    assert done.returncode == 1
    assert "Traceback" in done.stderr


WRONG = (["scan"], ["scan", "--camera", "demo", "--frames", "0"], ["record", "--camera", "demo"])


@pytest.mark.parametrize("argv", WRONG)
def test_wrong_usage_is_exit_code_2(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_imports_neither_the_model_runtime_nor_opencv():
    code = ("import sys\nfrom edge.cli import main\ntry:\n    main(['scan', '-h'])\nexcept SystemExit:\n    pass\n"
            "print([m for m in ('torch', 'cv2', 'onnxruntime', 'pydantic', 'mcap') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
