"""Writes recordings of layout ``latx-recording/1``: whole or not at all.

Frames go to a file under a temporary name beside the target, which takes its name when the writer is closed
without an error. So a crash leaves no file that looks like a recording.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera import layout
from edge.errors import OutputError, RecordingError
from edge.frame import Frame, Intrinsics

if TYPE_CHECKING:
    from mcap_protobuf.writer import Writer

JPEG_QUALITY: Final = 90
PNG_COMPRESSION: Final = 3  # of 9: beyond it, sensor noise packs no better


class RecordingWriter:
    """A recording in the making. Use as a context manager: an exception within discards the file.

    Args:
        path: the file to write; an existing one is replaced when the new one is whole.
        intrinsics: of every frame to come.
        gravity: (3,) pointing down, camera frame, any length.
        depth_unit_m: metres per count of the stored 16-bit depth.

    Raises:
        OutputError: the file cannot be created or written.
    """

    def __init__(
        self,
        path: str | Path,
        intrinsics: Intrinsics,
        gravity: NDArray[np.float64],
        depth_unit_m: float = layout.DEPTH_UNIT_M,
        model: str = "",
        serial: str = "",
    ) -> None:
        from mcap_protobuf.writer import Writer

        self.path = Path(path)
        self.frames = 0
        self._intrinsics = intrinsics
        self._unit = depth_unit_m
        self._draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        down = np.asarray(gravity, dtype=np.float64)
        down = down / max(float(np.linalg.norm(down)), 1e-12)
        try:
            self._file: IO[bytes] = self._draft.open("wb")
        except OSError as error:
            raise self._failure(error) from error
        self._writer: Writer | None = Writer(self._file, profile=layout.LAYOUT)
        values = {layout.DEPTH_UNIT: repr(float(depth_unit_m)), layout.MODEL: model, layout.SERIAL: serial}
        values |= {key: repr(float(v)) for key, v in zip(layout.GRAVITY, down, strict=True)}
        self._writer.add_metadata(layout.METADATA, values)

    def write(self, frame: Frame) -> None:
        """Append a frame; readings that are not finite, negative or beyond 16 bits are stored as missing.

        Raises:
            RecordingError: the frame does not fit the recording's intrinsics.
            OutputError: the disk is full or gone.
        """
        if self._writer is None:
            raise RecordingError("the recording is closed", where=str(self.path))
        size = (self._intrinsics.height, self._intrinsics.width)
        shapes = [frame.depth_m.shape] + ([frame.colour.shape[:2]] if frame.colour is not None else [])
        if any(shape != size for shape in shapes):
            raise RecordingError(
                "the frame does not fit the recording", where=str(self.path), expected=f"{size[1]}x{size[0]} pixels",
                found=" and ".join(f"{s[1]}x{s[0]}" for s in shapes),
            )
        images = [(layout.DEPTH_TOPIC, "png", _encode_depth(frame.depth_m, self._unit))]
        if frame.colour is not None:
            images.append((layout.COLOUR_TOPIC, "jpeg", _encode_colour(frame.colour)))
        try:
            if self.frames == 0:
                self._put(layout.CALIBRATION_TOPIC, self._calibration(frame.captured_at_ns), frame)
            for topic, encoding, data in images:
                self._put(topic, _image(frame.captured_at_ns, encoding, data), frame)
        except OSError as error:
            raise self._failure(error) from error
        self.frames += 1

    def close(self) -> None:
        """Finish the file and give it its name. Closing twice is harmless.

        Raises:
            RecordingError: no frame was written; nothing is left behind.
            OutputError: the file cannot be finished; nothing is left behind.
        """
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        try:
            writer.finish()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if self.frames:
                os.replace(self._draft, self.path)
        except OSError as error:
            raise self._failure(error) from error
        finally:
            self._file.close()
            self._draft.unlink(missing_ok=True)
        if not self.frames:
            raise RecordingError("no frame was written", where=str(self.path), expected="at least one", found="none")

    def discard(self) -> None:
        """Give up: nothing is left of the recording, and an older file of its name stays as it was."""
        self._writer = None
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _put(self, topic: str, message: object, frame: Frame) -> None:
        assert self._writer is not None
        device_ns = max(round(frame.device_time_ms * 1e6), 0)
        self._writer.write_message(topic, message, frame.captured_at_ns, device_ns, frame.number & 0xFFFFFFFF)

    def _calibration(self, time_ns: int) -> object:
        from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration

        k = self._intrinsics
        message = CameraCalibration(
            frame_id=layout.FRAME_ID, width=k.width, height=k.height, distortion_model=k.distortion_model,
            D=list(k.distortion), K=[k.fx, 0, k.cx, 0, k.fy, k.cy, 0, 0, 1], R=[1, 0, 0, 0, 1, 0, 0, 0, 1],
            P=[k.fx, 0, k.cx, 0, 0, k.fy, k.cy, 0, 0, 0, 1, 0],
        )  # fmt: skip
        message.timestamp.FromNanoseconds(time_ns)
        return message

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(
            "the recording cannot be written", where=str(self.path), expected="a writable folder with free space",
            found=error.strerror or str(error), mend="choose another file",
        )


def _encode_depth(depth_m: NDArray[np.float32], unit_m: float) -> bytes:
    with np.errstate(invalid="ignore", over="ignore"):
        counts = np.rint(depth_m / np.float32(unit_m))
        counts = np.where((counts > 0) & (counts <= 65535), counts, 0).astype(np.uint16)
    return _encode(".png", counts, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])


def _encode_colour(rgb: NDArray[np.uint8]) -> bytes:
    return _encode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def _encode(suffix: str, image: NDArray[Any], options: list[int]) -> bytes:
    done, data = cv2.imencode(suffix, image, options)
    assert done  # OpenCV encodes every array of these types
    return bytes(data.tobytes())


def _image(time_ns: int, encoding: str, data: bytes) -> object:
    from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage

    message = CompressedImage(frame_id=layout.FRAME_ID, data=data, format=encoding)
    message.timestamp.FromNanoseconds(time_ns)
    return message
