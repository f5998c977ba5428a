"""What a recording's reader does with files of other writers, and with bad ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from mcap_protobuf.writer import Writer

from edge.camera.mcap_replay import McapReplay
from edge.errors import RecordingError
from edge.frame import Frame

K = [80.0, 0, 47.5, 0, 80.0, 31.5, 0, 0, 1]
PNG = cv2.imencode(".png", np.full((64, 96), 2400, np.uint16))[1].tobytes()
JPEG = cv2.imencode(".jpg", np.full((64, 96, 3), 90, np.uint8))[1].tobytes()


def calibration(**changes: Any) -> CameraCalibration:
    return CameraCalibration(**{"width": 96, "height": 64, "K": K, **changes})


def foreign(
    path: Path,
    depths: list[tuple[int, bytes]] = [(1_000, PNG)],  # noqa: B006 - never changed
    colours: list[tuple[int, bytes]] = [],  # noqa: B006 - never changed
    calibrations: list[CameraCalibration] | None = None,
    metadata: dict[str, str] | None = None,
    depth_topic: str = "/camera/depth",
) -> Path:
    """A recording as another program might write it: plain Foxglove calls, no frame numbers."""
    with path.open("wb") as file, Writer(file) as writer:
        if metadata is None:
            metadata = {"depth_unit_m": "0.0005"}
        if metadata:
            writer.add_metadata("latx.camera", metadata)
        for message in [calibration()] if calibrations is None else calibrations:
            writer.write_message("/camera/calibration", message, 0, 0)
        images = [(t, depth_topic, d) for t, d in depths] + [(t, "/camera/color", c) for t, c in colours]
        for time_ns, topic, data in sorted(images, key=lambda i: i[0]):
            writer.write_message(topic, CompressedImage(data=data, format="png"), time_ns, time_ns)
    return path


def frames_of(path: Path) -> list[Frame]:
    def frames() -> Iterator[Frame]:
        with McapReplay(path) as camera:
            while (frame := camera.read()) is not None:
                yield frame

    return list(frames())


def refusal(path: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        frames_of(path)
    line = caught.value.line()
    assert str(path) in line
    assert "\n" not in line
    assert caught.value.expected
    assert caught.value.found
    assert caught.value.mend
    return line


def test_a_foreign_recording_without_numbers_gravity_or_colour_is_replayed(tmp_path: Path) -> None:
    path = foreign(tmp_path / "a.mcap", [(10**9 + i * 33_000_000, PNG) for i in range(3)])
    frames = frames_of(path)
    assert [f.number for f in frames] == [0, 1, 2]
    assert [f.device_time_ms for f in frames] == [1000.0, 1033.0, 1066.0]
    np.testing.assert_array_equal(frames[0].gravity, [0, 1, 0])
    assert frames[0].colour is None
    assert frames[0].depth_m[0, 0] == pytest.approx(1.2)


def test_colour_is_paired_by_time_whichever_comes_first(tmp_path: Path) -> None:
    ms = 1_000_000
    path = foreign(
        tmp_path / "a.mcap", [(t * ms, PNG) for t in (100, 133, 166, 200)], [(t * ms, JPEG) for t in (95, 138, 181)]
    )
    assert [f.colour is not None for f in frames_of(path)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"PNG not an mcap", "begins with"),
        (b"\x89MCAP0\r\n", "truncated"),
        (b"\x89MCAP0\r\n" + bytes(range(256)) * 4, "truncated"),
    ],
)
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.mcap"
    path.write_bytes(content)
    assert words in refusal(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.mcap")
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_recording_cut_anywhere_is_refused(tmp_path: Path, mcap_path: Path, share: float) -> None:
    whole = mcap_path.read_bytes()
    path = tmp_path / "cut.mcap"
    path.write_bytes(whole[: int(len(whole) * share)])
    refusal(path)


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_are_refused_or_harmless_never_a_crash(tmp_path: Path, mcap_path: Path, seed: int) -> None:
    data = bytearray(mcap_path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(8, len(data), 40):
        data[place] = rng.integers(0, 256)
    path = tmp_path / "flipped.mcap"
    path.write_bytes(bytes(data))
    refusal(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"depth_topic": "/other"}, "no depth"),
        ({"calibrations": []}, "no calibration"),
        ({"calibrations": [calibration(K=[0.0] * 9)]}, "unusable calibration"),
        ({"calibrations": [calibration(D=[0.1, 0.2], distortion_model="magic")]}, "unknown lens model"),
        ({"calibrations": [calibration(width=640)]}, "another size"),
        ({"metadata": {}}, "depth unit"),
        ({"metadata": {"depth_unit_m": "one"}}, "unreadable metadata"),
        ({"metadata": {"depth_unit_m": "1000"}}, "implausible depth unit"),
        ({"metadata": {"depth_unit_m": "0.001", "gravity_x": "down"}}, "unreadable metadata"),
        ({"depths": [(1, b"")]}, "undecodable image"),
        ({"depths": [(1, PNG[:100])]}, "undecodable image"),
        ({"depths": [(1, JPEG)]}, "wrong depth encoding"),
        ({"depths": [(1, cv2.imencode(".png", np.zeros((64, 96), np.uint8))[1].tobytes())]}, "wrong depth encoding"),
        ({"colours": [(1_000, b"no jpeg")]}, "undecodable image"),
    ],
)
def test_what_does_not_follow_the_layout_is_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    assert words in refusal(foreign(tmp_path / "odd.mcap", **changes))


def test_the_unchanged_sample_of_these_tests_is_accepted(tmp_path: Path) -> None:
    assert len(frames_of(foreign(tmp_path / "good.mcap", colours=[(1_000, JPEG)]))) == 1


def test_a_wrong_schema_is_named(tmp_path: Path) -> None:
    path = tmp_path / "schema.mcap"
    with path.open("wb") as file, Writer(file) as writer:
        writer.add_metadata("latx.camera", {"depth_unit_m": "0.001"})
        writer.write_message("/camera/calibration", calibration(), 0, 0)
        writer.write_message("/camera/depth", calibration(), 1, 1)
    assert "foxglove.CameraCalibration" in refusal(path)


def test_frames_are_decoded_one_by_one(mcap_path: Path, make_frame: Callable[..., Frame]) -> None:
    with McapReplay(mcap_path) as camera:
        first = camera.read()
        assert first is not None
        assert first.number == make_frame(0).number
        np.testing.assert_allclose(first.gravity, [0, 0.8, 0.6])
