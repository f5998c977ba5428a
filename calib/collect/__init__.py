"""Calibration sets: stage inputs of real recordings, gathered through the device's own path and listed by hash."""
