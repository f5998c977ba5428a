"""Replays recordings of layout ``latx-recording/1``, whoever wrote them.

Everything that a bad file can do ends in a ``RecordingError`` that says what, where, expected against found, and how
to mend it. Frames are decoded one by one, so that a long recording needs no more memory than a short one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera import layout
from edge.camera.depth_camera import CameraInfo
from edge.errors import RecordingError
from edge.frame import Frame, Intrinsics
from edge.view.rays import KNOWN_MODELS

PAIR_WITHIN_NS: Final = 12_000_000  # less than half a period at 30 frames/s
MCAP_MAGIC: Final = b"\x89MCAP0\r\n"
_MEND: Final = "record again with `latx-edge record`"


class McapReplay:
    """A recording as a ``DepthCamera``.

    Raises:
        RecordingError: the file is missing, empty, truncated, foreign, or lacks depth, calibration or depth unit.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: IO[bytes] | None = _open(self.path)
        try:
            self._reader = self._make_reader(self._file)
            self._check_topics()
            metadata = self._metadata()
            unit = self._number(metadata, layout.DEPTH_UNIT, None)
            if not 1e-5 <= unit <= 0.01:
                raise self._error("implausible depth unit", "0.00001 to 0.01 m per count", f"{unit:g}", _MEND)
            level = zip(layout.GRAVITY, (0.0, 1.0, 0.0), strict=True)
            self._gravity = np.array([self._number(metadata, key, value) for key, value in level])
            self._info = CameraInfo(
                str(self.path), metadata.get(layout.MODEL, ""), metadata.get(layout.SERIAL, ""),
                self._intrinsics(), unit,
            )  # fmt: skip
        except BaseException:
            self.close()
            raise
        self._frames = self._iterate()

    @property
    def info(self) -> CameraInfo:
        return self._info

    def read(self) -> Frame | None:
        if self._file is None:
            raise self._error("the recording is closed", "an open recording", "a closed one", "")
        return next(self._frames, None)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> McapReplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make_reader(self, file: IO[bytes]) -> Any:
        from mcap.reader import make_reader
        from mcap_protobuf.decoder import DecoderFactory

        return make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])

    def _check_topics(self) -> None:
        """The topics and schemas that the layout wants; needs the summary at the end of a whole file."""
        try:
            summary = self._reader.get_summary()
        except Exception as error:  # the reader raises whatever a broken byte provokes
            raise self._unreadable(error) from error
        if summary is None:
            raise self._error("the recording is truncated", "an index at its end", "none", _MEND)
        found = {c.topic: summary.schemas[c.schema_id].name for c in summary.channels.values() if c.schema_id}
        for topic, needed in ((layout.DEPTH_TOPIC, "depth"), (layout.CALIBRATION_TOPIC, "calibration")):
            if topic not in found:
                topics = ", ".join(sorted(found)) or "no topic"
                raise self._error(f"the recording has no {needed}", f"topic {topic}", topics, _MEND)
        for topic, schema in layout.SCHEMAS.items():
            if found.get(topic, schema) != schema:
                raise self._error(f"wrong schema on {topic}", schema, found[topic], _MEND)

    def _metadata(self) -> dict[str, str]:
        try:
            records = {m.name: dict(m.metadata) for m in self._reader.iter_metadata()}
        except Exception as error:
            raise self._unreadable(error) from error
        if layout.METADATA not in records:
            found = ", ".join(sorted(records)) or "no metadata"
            expected = f"metadata {layout.METADATA}"
            raise self._error("the recording does not tell its depth unit", expected, found, _MEND)
        return records[layout.METADATA]

    def _number(self, metadata: dict[str, str], key: str, default: float | None) -> float:
        if key not in metadata and default is not None:
            return float(default)
        try:
            value = float(metadata[key])
        except (KeyError, ValueError):
            value = float("nan")
        if not np.isfinite(value):
            expected = f"a number as {key} in metadata {layout.METADATA}"
            raise self._error("unreadable metadata", expected, repr(metadata.get(key, "nothing")), _MEND)
        return value

    def _intrinsics(self) -> Intrinsics:
        _, _, message = next(self._messages(layout.CALIBRATION_TOPIC), (None, None, None))
        if message is None:
            raise self._error("the recording has no calibration", "one CameraCalibration", "none", _MEND)
        k = list(message.K)
        if len(k) != 9 or k[0] <= 0 or k[4] <= 0 or not np.isfinite(k).all() or not (message.width and message.height):
            raise self._error("unusable calibration", "a size and K with positive focal lengths", f"K = {k}", _MEND)
        model = message.distortion_model
        if any(message.D) and model.lower() not in KNOWN_MODELS:
            raise self._error("unknown lens model", " or ".join(m for m in KNOWN_MODELS if m), model, _MEND)
        return Intrinsics(message.width, message.height, k[0], k[4], k[2], k[5], model, tuple(message.D))

    def _messages(self, *topics: str) -> Iterator[tuple[str, Any, Any]]:
        """(topic, record, decoded message) of the topics in the order of capture."""
        try:
            for item in self._reader.iter_decoded_messages(topics=list(topics)):
                yield item.channel.topic, item.message, item.decoded_message
        except RecordingError:
            raise
        except Exception as error:
            raise self._unreadable(error) from error

    def _iterate(self) -> Iterator[Frame]:
        """Frames, each depth image with the colour image taken nearest to it, if any was taken with it."""
        waiting: tuple[Any, Any] | None = None
        colours: list[tuple[int, Any]] = []
        number = -1
        for topic, record, message in self._messages(layout.DEPTH_TOPIC, layout.COLOUR_TOPIC):
            is_depth = topic == layout.DEPTH_TOPIC
            late = waiting is not None and record.log_time > waiting[0].log_time + PAIR_WITHIN_NS
            if waiting is not None and (is_depth or late):
                number = self._count(waiting[0], number)
                yield self._frame(*waiting, number, _nearest(colours, waiting[0].log_time))
                waiting = None
            if is_depth:
                waiting = (record, message)
            else:
                colours = [*colours[-1:], (record.log_time, message)]
        if waiting is not None:
            yield self._frame(*waiting, self._count(waiting[0], number), _nearest(colours, waiting[0].log_time))

    @staticmethod
    def _count(record: Any, last: int) -> int:
        """The camera's frame number; a writer that keeps none leaves the sequence 0, and frames are counted."""
        return int(record.sequence) if record.sequence or last < 0 else last + 1

    def _frame(self, record: Any, message: Any, number: int, colour: Any) -> Frame:
        counts = self._decode(message, number, layout.DEPTH_TOPIC, cv2.IMREAD_UNCHANGED)
        if counts.dtype != np.uint16 or counts.ndim != 2:
            found = f"{counts.ndim}-dimensional {counts.dtype}"
            raise self._error(f"wrong depth encoding in frame {number}", "one channel of 16 bits (png)", found, _MEND)
        rgb: NDArray[np.uint8] | None = None
        if colour is not None:
            bgr = self._decode(colour, number, layout.COLOUR_TOPIC, cv2.IMREAD_COLOR)
            rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        return Frame(
            depth_m=counts.astype(np.float32) * np.float32(self._info.depth_unit_m),
            colour=rgb,
            intrinsics=self._info.intrinsics,
            gravity=self._gravity,
            captured_at_ns=int(record.log_time),
            device_time_ms=record.publish_time / 1e6,
            number=number,
            camera_model=self._info.model,
            camera_serial=self._info.serial,
        )

    def _decode(self, message: Any, number: int, topic: str, flags: int) -> NDArray[Any]:
        data = np.frombuffer(message.data, np.uint8)
        image = cv2.imdecode(data, flags) if data.size else None
        if image is None:
            expected = "jpeg" if topic == layout.COLOUR_TOPIC else "png"
            found = f"{data.size} bytes of format {message.format!r}"
            raise self._error(f"undecodable image on {topic} in frame {number}", expected, found, _MEND)
        size = (self._info.intrinsics.width, self._info.intrinsics.height)
        if image.shape[1::-1] != size:
            what = f"image of another size on {topic} in frame {number}"
            raise self._error(what, f"{size[0]}x{size[1]}", f"{image.shape[1]}x{image.shape[0]}", _MEND)
        return image

    def _unreadable(self, error: Exception) -> RecordingError:
        found = str(error) or type(error).__name__
        return self._error("the recording is damaged or truncated", "a whole MCAP file", found, _MEND)

    def _error(self, what: str, expected: str, found: str, mend: str) -> RecordingError:
        return RecordingError(what, where=str(self.path), expected=expected, found=found, mend=mend)


def _open(path: Path) -> IO[bytes]:
    """Open a file that begins like an MCAP.

    Raises:
        RecordingError: it is missing, unreadable, empty or something else.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise RecordingError(
            "the recording cannot be opened", where=str(path), expected="a readable file",
            found=error.strerror or str(error), mend="check the path",
        ) from error
    start = file.read(len(MCAP_MAGIC))
    file.seek(0)
    if start != MCAP_MAGIC:
        file.close()
        found = "an empty file" if not start else f"a file that begins with {start!r}"
        raise RecordingError("not a recording", where=str(path), expected="an MCAP file", found=found, mend=_MEND)
    return file


def _nearest(colours: list[tuple[int, Any]], time_ns: int) -> Any:
    """The colour image nearest in time, if it was taken together with the depth."""
    near = [(abs(t - time_ns), i) for i, (t, _) in enumerate(colours) if abs(t - time_ns) <= PAIR_WITHIN_NS]
    return colours[min(near)[1]][1] if near else None
