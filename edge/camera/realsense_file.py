"""Plays back librealsense recordings (.bag, .db3) through the real pipeline, as a feed of ``RealSenseCamera``.

Playback is stepped, not timed, so that a slow host sees every frame.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, Final

from edge.camera.deadline import within
from edge.camera.realsense import RealSenseCamera
from edge.camera.realsense_feed import Streams, streams_of
from edge.camera.settings import CameraSettings
from edge.errors import RecordingError

MAGIC: Final = {".bag": b"#ROSBAG V2.0", ".db3": b"SQLite format 3\x00"}
LAST_MISSES: Final = 3
RESTARTS: Final = 3
PATIENCE_S: Final = 10.0
"""Longest wait for a frame while librealsense says that it still plays."""
STOP_WITHIN_S: Final = 10.0
_RETIRED: Final[deque[Any]] = deque(maxlen=8)
"""Pipelines and devices that were stopped last. librealsense's reader may outlive the stop of a recording that is left
early, by moments; what it reads from must not be freed under it, or the process crashes.
"""


class RealSenseFile(RealSenseCamera):
    """A librealsense recording as a ``DepthCamera``.

    Gravity comes from the recorded accelerometer; without one the mount is taken as level.

    Args:
        settings: filters and gravity, as for a live camera; None leaves depth as it was recorded.

    Raises:
        MissingDependencyError: pyrealsense2, or the system's libusb-1.0-0 that it needs, is not installed.
        RecordingError: the file is missing, empty, damaged, foreign or without depth.
    """

    def __init__(self, path: str | Path, settings: CameraSettings | None = None) -> None:
        _check_magic(Path(path))
        super().__init__(FileFeed(Path(path)), settings)


class FileFeed:
    """The sets of frames of one file, in their order, once."""

    live = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = str(path)
        self._rs: Any = None
        self._pipeline: Any = None
        self._playback: Any = None
        self._has_colour = False
        self._first_number: int | None = None
        self._delivered = False
        self._misses = 0
        self._starts = 0
        self._over = False

    def start(self, rs: Any) -> Streams:
        self._rs = rs
        self._pipeline = rs.pipeline()
        self._first_number = None
        self._misses = 0
        self._starts += 1
        config = rs.config()
        rs.config.enable_device_from_file(config, self.source, repeat_playback=False)
        config.enable_all_streams()
        # Before the start: in the meantime frames would be played against the clock, and dropped.
        config.resolve(rs.pipeline_wrapper(self._pipeline)).get_device().as_playback().set_real_time(False)
        profile = self._pipeline.start(config)
        self._playback = profile.get_device().as_playback()
        self._playback.set_real_time(False)
        streams = streams_of(rs, profile)
        if streams is None:
            found = ", ".join(sorted(s.stream_name() for s in profile.get_streams())) or "no stream"
            raise self.error("the recording has no depth", "a depth stream", found)
        self._has_colour = streams.colour is not None
        return streams

    def wait(self, patience_ms: int) -> Any:
        arrived, frames = self._pipeline.try_wait_for_frames(patience_ms)
        self._misses = 0 if arrived else self._misses + 1
        return frames if arrived else None

    def ended(self) -> bool:
        """On a busy machine the last frames come after the stop; and now and then librealsense plays a short
        recording past its reader, who then has it played once more.
        """
        stopped = self._over or self._playback.current_status() == self._rs.playback_status.stopped
        if not stopped or (self._misses < LAST_MISSES and not self._over):
            return False
        if not self._delivered and self._starts <= RESTARTS:
            self.stop()
            self.start(self._rs)
            return False
        self._over = True
        return True

    def wants(self, number: int) -> bool:
        """All but the first that has colour: librealsense pairs it or not by chance, and two readings must be equal."""
        if self._first_number is None and self._has_colour:
            self._first_number = number
        self._delivered |= number != self._first_number
        return number != self._first_number

    def patience_s(self, first: bool) -> float:  # noqa: ARG002 - a file keeps nobody waiting longer at first
        return PATIENCE_S

    def host_time_ns(self, frame: Any) -> int:
        """The frame's arrival if it was recorded, else its timestamp."""
        arrival = self._rs.frame_metadata_value.time_of_arrival
        if frame.supports_frame_metadata(arrival):
            return int(frame.get_frame_metadata(arrival)) * 1_000_000
        return round(frame.get_timestamp() * 1e6)

    def stop(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            within(pipeline.stop, STOP_WITHIN_S)  # raises where it never started, or playback has stopped it
            _RETIRED.append((pipeline, self._playback))

    def failed(self, error: RuntimeError) -> RecordingError:
        found = " ".join(str(error).split()) or type(error).__name__
        return self.error("the recording is damaged or truncated", "a whole librealsense recording", found)

    def error(self, what: str, expected: str, found: str) -> RecordingError:
        return RecordingError(what, where=self.source, expected=expected, found=found, mend="record again")


def _check_magic(path: Path) -> None:
    """Refuse what is no librealsense recording before librealsense, which may hang or crash on it, sees it."""
    magic = MAGIC[path.suffix.lower()]
    try:
        with path.open("rb") as file:
            start = file.read(len(magic))
    except OSError as error:
        raise RecordingError(
            "the recording cannot be opened", where=str(path), expected="a readable file",
            found=error.strerror or str(error), mend="check the path",
        ) from error  # fmt: skip
    if start != magic:
        found = "an empty file" if not start else f"a file that begins with {start!r}"
        raise RecordingError(
            "not a recording", where=str(path), expected=f"a librealsense {path.suffix.lower()} file", found=found,
            mend="record again",
        )  # fmt: skip
