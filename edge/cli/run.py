"""``latx-edge run``: the kiosk's daemon, in the foreground, until a signal; systemd runs it as a service."""

from __future__ import annotations

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``latx-edge run``."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE",
                        help="configuration, TOML; latx-edge config default prints one to start from")


def run(args: argparse.Namespace) -> int:
    """Load, warm up, serve. A configuration that is wrong serves nothing."""
    import logging
    import os
    import sys

    from edge.config.load import load_config
    from edge.config.models import CURRENT_VERSION
    from edge.health.logs import start_log

    loaded = load_config(args.config)
    start_log(loaded.config.log)
    if loaded.version != CURRENT_VERSION:
        logging.getLogger(__name__).warning(
            "the configuration has version %d; latx-edge config migrate %s brings it up to date", loaded.version,
            args.config,
        )
    from edge.daemon.service import Service

    service = Service(loaded.config, args.config)
    service.heed_signals()
    code = service.run()
    if service.camera.left_behind:  # a driver that hangs would also hang the interpreter's own end
        logging.shutdown()
        sys.stderr.flush()
        os._exit(code)
    return code
