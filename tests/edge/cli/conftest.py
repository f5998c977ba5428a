"""A recording on disk, and the program run as a user runs it."""

from __future__ import annotations

import pytest

from edge.camera.mcap_writer import RecordingWriter
from edge.cli import main


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
