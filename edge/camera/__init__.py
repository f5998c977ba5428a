"""Sources of frames: recordings, librealsense playback and a fault-injecting stand-in, behind one Protocol."""

from edge.camera.schemes import open_camera

__all__ = ["open_camera"]
