from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader

from edge.camera.layout import SCHEMAS
from edge.camera.mcap_replay import McapReplay
from edge.camera.mcap_writer import RecordingWriter
from edge.errors import OutputError, RecordingError
from edge.frame import Frame

MakeFrame = Callable[..., Frame]


def test_the_layout_is_the_documented_one(mcap_path: Path) -> None:
    with mcap_path.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        found = {c.topic: summary.schemas[c.schema_id].name for c in summary.channels.values()}
        assert found == SCHEMAS
        assert {c.message_encoding for c in summary.channels.values()} == {"protobuf"}
        assert {index.compression for index in summary.chunk_indexes} == {"zstd"}
        (metadata,) = reader.iter_metadata()
        assert metadata.name == "latx.camera"
        assert metadata.metadata == {
            "depth_unit_m": "0.0005", "gravity_x": "0.0", "gravity_y": "0.8", "gravity_z": "0.6",
            "model": "Test camera", "serial": "0001",
        }  # fmt: skip
        times = {m.log_time for _, _, m in reader.iter_messages(topics=["/camera/depth"])}
        assert min(times) == 1_760_000_000_000_000_000


def test_bad_readings_are_stored_as_missing(tmp_path: Path, make_frame: MakeFrame) -> None:
    frame = make_frame(0)
    frame.depth_m[0, :5] = [np.nan, np.inf, -np.inf, -1.0, 40.0]
    with RecordingWriter(tmp_path / "a.mcap", frame.intrinsics, frame.gravity) as writer:
        writer.write(frame)
    with McapReplay(tmp_path / "a.mcap") as camera:
        back = camera.read()
    assert back is not None
    assert (back.depth_m[0, :5] == 0).all()
    assert back.depth_m[0, 5] > 1


def test_distortion_survives(tmp_path: Path, make_frame: MakeFrame) -> None:
    frame = make_frame(0)
    lens = replace(frame.intrinsics, distortion_model="inverse_brown_conrady", distortion=(0.1, 0.0, 0.0, 0.0, 0.01))
    with RecordingWriter(tmp_path / "a.mcap", lens, frame.gravity) as writer:
        writer.write(frame)
    with McapReplay(tmp_path / "a.mcap") as camera:
        assert camera.info.intrinsics == lens


def test_nothing_bears_the_name_before_the_recording_is_whole(tmp_path: Path, make_frame: MakeFrame) -> None:
    path = tmp_path / "a.mcap"
    with RecordingWriter(path, make_frame(0).intrinsics, make_frame(0).gravity) as writer:
        writer.write(make_frame(0))
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["a.mcap"]


def test_an_error_within_leaves_the_older_recording_and_nothing_else(tmp_path: Path, make_frame: MakeFrame) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(b"older")
    wrong = replace(make_frame(0), colour=None, depth_m=np.zeros((3, 3), np.float32))

    def record() -> None:
        with RecordingWriter(path, make_frame(0).intrinsics, make_frame(0).gravity) as writer:
            writer.write(make_frame(0))
            writer.write(wrong)

    with pytest.raises(RecordingError, match="does not fit"):
        record()
    assert path.read_bytes() == b"older"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_recording_without_frames_is_not_left_behind(tmp_path: Path, make_frame: MakeFrame) -> None:
    with (
        pytest.raises(RecordingError, match="no frame"),
        RecordingWriter(tmp_path / "a.mcap", make_frame(0).intrinsics, make_frame(0).gravity),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, make_frame: MakeFrame) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        RecordingWriter(tmp_path / "none" / "a.mcap", make_frame(0).intrinsics, make_frame(0).gravity)


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    writer = RecordingWriter(tmp_path / "a.mcap", make_frame(0).intrinsics, make_frame(0).gravity)
    writer.write(make_frame(0))
    with pytest.raises(OutputError, match="No space left"):
        writer.close()
    assert not list(tmp_path.iterdir())
