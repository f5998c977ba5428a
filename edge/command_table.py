"""What the three programs share on the command line: a table of subcommands, and errors turned into exit codes.

A subcommand is a module with ``configure(parser)`` and ``run(args) -> int``. It is imported only when it is called, so
that a program starts fast and ``-h`` needs nothing that is not installed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from edge.errors import EXIT_CODES, LatxError

DEBUG_VARIABLE: Final = "LATX_DEBUG"
"""Set to 1, an unforeseen failure shows its traceback instead of one line."""


@dataclass(frozen=True)
class Subcommand:
    """One row of a program's table: where it lives and what it does, in one line without a full stop."""

    module: str
    summary: str


def dispatch(program: str, description: str, table: Mapping[str, Subcommand], argv: Sequence[str] | None) -> int:
    """Run the subcommand that ``argv`` (default: the process's arguments) names, and return the exit code.

    A foreseen failure (``LatxError``) becomes one line on stderr and its class's exit code, an interruption 130, and
    an unforeseen one a line that says so and exit code 1, unless ``LATX_DEBUG=1``.

    Raises:
        SystemExit: from argparse, with 0 after ``-h`` and 2 after a usage error.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    codes, as_is = exit_codes_text(), argparse.RawDescriptionHelpFormatter
    described = textwrap.fill(description, 100)
    parser = argparse.ArgumentParser(prog=program, description=described, epilog=codes, formatter_class=as_is)
    subparsers = parser.add_subparsers(title="subcommands", dest="command", metavar="COMMAND", required=True)
    chosen: ModuleType | None = None
    try:
        for name, row in table.items():
            sentence = f"{row.summary[0].upper()}{row.summary[1:]}."
            sub = subparsers.add_parser(
                name, help=row.summary, description=sentence, epilog=codes, formatter_class=as_is
            )
            if [name] == arguments[:1]:
                chosen = importlib.import_module(row.module)
                chosen.configure(sub)
        args = parser.parse_args(arguments)
        assert chosen is not None  # argparse has refused anything else
        return int(chosen.run(args))
    except LatxError as error:
        print(f"{program}: error: {error.line()}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe went away; Python would complain again at exit
        sys.stderr.close()
        return 1
    except Exception as failure:
        if os.environ.get(DEBUG_VARIABLE) == "1":
            raise
        text = " ".join(f"{type(failure).__name__}: {failure}".split())
        print(f"{program}: error: unforeseen failure, which is a bug: {text}; {DEBUG_VARIABLE}=1 shows where",
              file=sys.stderr)
        return 1


def exit_codes_text() -> str:
    """The table of exit codes as ``-h`` shows it."""
    return "\n".join(["exit codes:", *(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())])
