"""A recording on disk, the program run as a user runs it, and the promise about every bad input."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.camera.mcap_writer import RecordingWriter
from edge.cli import main
from edge.errors import EXIT_CODES, LatxError

REPOSITORY = Path(__file__).resolve().parents[3]


def write_recording(path, frames):
    first = frames[0]
    with RecordingWriter(path, first.intrinsics, first.gravity, model=first.camera_model,
                         serial=first.camera_serial) as writer:
        for frame in frames:
            writer.write(frame)
    return path


@pytest.fixture(scope="session")
def recording(tmp_path_factory, phantom_frames):
    """Four frames of a phantom's back, with colour, in a folder of their own."""
    return write_recording(tmp_path_factory.mktemp("recording") / "recording.mcap", phantom_frames)


@pytest.fixture
def record_frames(tmp_path):
    """Write other frames as a recording."""
    return lambda frames: write_recording(tmp_path / "other.mcap", frames)


@pytest.fixture
def latx_edge(capsys):
    """Run the program; returns exit code, stdout, stderr."""

    def run(*argv):
        code = main([str(a) for a in argv])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@dataclass
class Job:
    """One call of the program: what it is given, and the place that its complaint must name."""

    folder: Path
    good: Path
    bundle: Path
    make_stage: Callable[..., Path]
    camera: str = ""
    where: str = ""
    out: Path = field(init=False)

    def __post_init__(self) -> None:
        self.out = self.folder / "scans"
        self.give(self.good)

    def give(self, path: Path) -> None:
        self.camera, self.where = f"file:{path}", str(path)

    def argv(self, command: str = "scan") -> list[str]:
        bundle, out = ["--bundle", str(self.bundle)], ["--out", str(self.out)]
        more = {"scan": bundle + out, "record": ["--out", str(self.folder / "new.mcap")], "bench": bundle}
        return [command, "--camera", self.camera, *more[command]]


@dataclass(frozen=True)
class Done:
    """What the program left behind. before, after: content by path of everything below the job's folder."""

    code: int
    out: str
    err: str
    before: dict[str, str]
    after: dict[str, str]


def disk(folder: Path) -> dict[str, str]:
    """Hash by path of every file, "folder" for a folder; the folder for results may exist, empty."""
    found = {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder"
             for p in folder.rglob("*")}
    return {path: content for path, content in found.items() if (path, content) != ("scans", "folder")}


def assert_one_clean_line(done: Done, error: type[LatxError], where: str, says: str) -> None:
    """The promise that every kind of bad input is held to."""
    assert done.code == error.exit_code, done.err
    assert done.code in EXIT_CODES
    assert done.err.endswith("\n"), done.err
    (line,) = done.err.splitlines()
    assert line.startswith("latx-edge: "), line
    assert not re.search(r"Traceback|unforeseen|LATX_DEBUG|File \"", line), line
    assert where in line
    parts = re.search(r"; expected (?P<expected>.+), found (?P<found>.+?); (?P<advice>[^;]+)$", line)
    assert parts, line
    assert len(parts["advice"].split()) >= 2, line
    assert says in line
    assert done.out == "", "bad input gives no angle"
    assert done.after == done.before, "bad input leaves nothing on disk"


@pytest.fixture
def done_as() -> type[Done]:
    """To make up what a program left behind."""
    return Done


@pytest.fixture
def one_clean_line() -> Callable[..., None]:
    """Hold what the program left behind against the promise."""
    return assert_one_clean_line


@pytest.fixture
def job(tmp_path: Path, recording: Path, tiny_bundle: Path, make_stage: Callable[..., Path]) -> Job:
    return Job(tmp_path, recording, tiny_bundle, make_stage)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The program in this process; native libraries that write to stderr are heard too."""

    def go(job: Job, command: str = "scan") -> Done:
        before = disk(job.folder)
        capfd.readouterr()
        code = main(job.argv(command))
        out, err = capfd.readouterr()
        return Done(code, out, err, before, disk(job.folder))

    return go


@pytest.fixture
def run_process() -> Callable[..., Done]:
    """The program in a process of its own."""

    def go(job: Job) -> Done:
        before = disk(job.folder)
        done = subprocess.run([sys.executable, "-m", "edge.cli", *job.argv()], capture_output=True, text=True,
                              check=False, cwd=job.folder, env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
        return Done(done.returncode, done.stdout, done.stderr, before, disk(job.folder))

    return go
