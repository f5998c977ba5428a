"""The layout of a recording, ``latx-recording/1``: topics, schemas, metadata keys and encodings, as one table.

MCAP with Foxglove's protobuf schemas, so that Foxglove opens a recording as it is. Log time is the capture time,
publish time the camera's own clock, a message's sequence the camera's frame number. Metadata values are text.
"""

from __future__ import annotations

from typing import Final

LAYOUT: Final = "latx-recording/1"
FRAME_ID: Final = "camera"

COLOUR_TOPIC: Final = "/camera/color"
DEPTH_TOPIC: Final = "/camera/depth"
CALIBRATION_TOPIC: Final = "/camera/calibration"
SCHEMAS: Final = {
    COLOUR_TOPIC: "foxglove.CompressedImage",  # format "jpeg", RGB, aligned to the depth; may be absent
    DEPTH_TOPIC: "foxglove.CompressedImage",  # format "png", one 16-bit channel in depth units, 0 = no reading
    CALIBRATION_TOPIC: "foxglove.CameraCalibration",  # of the aligned pair
}

METADATA: Final = "latx.camera"
DEPTH_UNIT: Final = "depth_unit_m"
GRAVITY: Final = ("gravity_x", "gravity_y", "gravity_z")  # unit vector, camera frame; absent: a level mount
MODEL: Final = "model"
SERIAL: Final = "serial"

DEPTH_UNIT_M: Final = 0.0005
"""Default metres per count: 16 bits reach 32 m, and half a millimetre lies far below the 3 mm of sensor noise."""
