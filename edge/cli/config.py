"""``latx-edge config``: check, show, write and bring up to date the configuration of ``latx-edge run``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latx-edge config``."""
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    for name, (summary, takes_file) in _ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if takes_file:
            action.add_argument("file", type=Path, metavar="FILE", help="configuration, TOML")


_ACTIONS = {
    "check": ("say what is wrong in a file, with line numbers; exit code 2 where anything is", True),
    "show": ("print every value that holds with a file, defaults included", True),
    "default": ("print a file to start from, in which every key is explained", False),
    "migrate": ("write an older file anew in the current layout; the old one is kept beside it", True),
}


def run(args: argparse.Namespace) -> int:
    """Do what is asked."""
    from edge.config.load import ConfigError, load_config
    from edge.config.migrations import STEPS
    from edge.config.models import CURRENT_VERSION
    from edge.config.render import annotated, effective

    if args.action == "default":
        sys.stdout.write(annotated())
        return 0
    try:
        loaded = load_config(args.file)
    except ConfigError as error:
        if args.action != "check":
            raise
        for finding in error.findings:
            print(finding.text(args.file), file=sys.stderr)
        return error.exit_code
    if args.action == "show":
        sys.stdout.write(effective(loaded.config))
    elif args.action == "check":
        older = f", version {loaded.version}: latx-edge config migrate {args.file} brings it up to date"
        print(f"{args.file}: good{'' if loaded.version == CURRENT_VERSION else older}")
    elif loaded.version == CURRENT_VERSION:
        print(f"{args.file}: is version {CURRENT_VERSION} already")
    else:
        backup = _migrate(args.file, loaded.version, annotated(loaded.config))
        print(f"{args.file}: now version {CURRENT_VERSION} ({STEPS[loaded.version].what}); the old one is {backup}")
    return 0


def _migrate(path: Path, version: int, text: str) -> Path:
    """Keep the old file as ``FILE.v<version>`` and put the new one in its place, whole."""
    from edge.errors import OutputError
    from edge.whole_file import write_whole, write_whole_bytes

    backup = path.with_name(f"{path.name}.v{version}")
    if backup.exists():
        raise OutputError("there is a backup already", where=str(backup), expected="no such file", found="a file",
                          mend="move it away")
    write_whole_bytes(backup, path.read_bytes(), "the backup of the configuration")
    write_whole(path, text, "the configuration")
    backup.chmod(path.stat().st_mode & 0o777)
    return backup
