"""Sources of frames, behind one Protocol: RealSense on USB, recordings, stand-ins that fail; and what keeps them up."""

from edge.camera.schemes import open_camera, supervise

__all__ = ["open_camera", "supervise"]
