"""What the three programs share on the command line: a table of subcommands, and errors turned into exit codes.

A subcommand is a module with ``configure(parser)`` and ``run(args) -> int``. It is imported only when it is called, so
that a program starts fast and ``-h`` needs nothing that is not installed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.errors import LatxError


@dataclass(frozen=True)
class Subcommand:
    """One row of a program's table: where it lives and what it does, in one line without a full stop."""

    module: str
    summary: str


def dispatch(program: str, description: str, table: Mapping[str, Subcommand], argv: Sequence[str] | None) -> int:
    """Run the subcommand that ``argv`` (default: the process's arguments) names, and return the exit code.

    A foreseen failure (``LatxError``) becomes one line on stderr and its class's exit code, an interruption 130.

    Raises:
        SystemExit: from argparse, with 0 after ``-h`` and 2 after a usage error.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog=program, description=description)
    subparsers = parser.add_subparsers(title="subcommands", dest="command", metavar="COMMAND", required=True)
    try:
        for name, row in table.items():
            sentence = f"{row.summary[0].upper()}{row.summary[1:]}."
            sub = subparsers.add_parser(name, help=row.summary, description=sentence)
            if [name] == arguments[:1]:
                module = importlib.import_module(row.module)
                module.configure(sub)
                sub.set_defaults(run=module.run)
        args = parser.parse_args(arguments)
        return int(args.run(args))
    except LatxError as error:
        print(f"{program}: error: {error.line()}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe went away; Python would complain again at exit
        sys.stderr.close()
        return 1
