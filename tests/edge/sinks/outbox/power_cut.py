"""Does one thing in a child that kills itself at its n-th step, for n = 0, 1, ... until a child gets through.

A step is every entry into and every return from a C function that may touch the disk: open, write, fsync, mkdir, rename
and every statement of SQLite. Prints one line per child: "<n> <exit status>"; each works in a folder of its own.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

MODULES = {"posix", "_io", "io", "_sqlite3", "sqlite3", "fcntl", "nt"}


def touches_the_disk(function: object) -> bool:
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or (getattr(owner, "__name__", None) if owner is not None else None)
    return module in MODULES or type(owner).__module__ in MODULES


def run_until(step: int, deed: Callable[[], None]) -> None:
    """Do ``deed``; die by SIGKILL at ``step``."""
    seen = -1

    def watch(_: FrameType, event: str, function: object) -> None:
        nonlocal seen
        if event in ("c_call", "c_return") and touches_the_disk(function):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)
    deed()
    sys.setprofile(None)


def rehearse(work: Path, prepare: Callable[[Path], Callable[[], None]], stride: int = 1,
             limit: int = 2000) -> None:
    """Children 0, stride, ... in folders ``work/<n>``; ``prepare`` makes ready and returns the deed."""
    for step in range(0, limit, stride):
        folder = work / f"{step:04d}"
        folder.mkdir()
        child = os.fork()
        if child == 0:
            try:
                run_until(step, prepare(folder))
                os._exit(0)
            except BaseException:
                sys.setprofile(None)
                import traceback

                traceback.print_exc()
                os._exit(3)
        _, status = os.waitpid(child, 0)
        print(step, os.waitstatus_to_exitcode(status), flush=True)
        if not os.WIFSIGNALED(status):
            return


def accept(template: Path, reporter: Path) -> Callable[[Path], Callable[[], None]]:
    """A report accepted by the real sinks, with outbox and audit log."""
    import importlib.util

    from edge.privacy.audit import AuditLog
    from edge.sinks.disk import DiskSink
    from edge.sinks.outbox.outbox import Outbox
    from edge.sinks.outbox.sink import QueuedSink
    from edge.sinks.places import audit_path, outbox_path

    spec = importlib.util.spec_from_file_location("reporter", reporter)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    report = module.vary(module.read(template), 1)

    def prepare(folder: Path) -> Callable[[], None]:
        sink = QueuedSink(DiskSink(folder, AuditLog(audit_path(folder))), Outbox(outbox_path(folder), folder))
        return lambda: sink.accept(report) and None

    return prepare


def delete(template: Path, reporter: Path) -> Callable[[Path], Callable[[], None]]:
    """A report that was accepted is wiped."""
    from edge.privacy.audit import AuditLog
    from edge.privacy.wipe import wipe
    from edge.sinks.outbox.outbox import Outbox
    from edge.sinks.places import audit_path, outbox_path

    make = accept(template, reporter)

    def prepare(folder: Path) -> Callable[[], None]:
        make(folder)()
        outbox, audit = Outbox(outbox_path(folder), folder), AuditLog(audit_path(folder))
        return lambda: wipe(folder, outbox, audit, reason="operator") and None

    return prepare


if __name__ == "__main__":
    deeds = {"accept": accept, "delete": delete}
    rehearse(Path(sys.argv[2]), deeds[sys.argv[1]](Path(sys.argv[3]), Path(sys.argv[4])), int(sys.argv[5]))
