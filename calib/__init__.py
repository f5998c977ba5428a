"""The digital phantom, calibration and camera checks of LatXGen Edge."""
