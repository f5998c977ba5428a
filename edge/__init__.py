"""LatXGen Edge: from a depth view of a bare back to a synthetic lateral radiograph and its sagittal angles.

This package is what a device installs. It never imports torch, ``export`` or ``calib``.
"""

__version__ = "0.1.0"
