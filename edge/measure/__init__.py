"""Angles from vertebral endplates: the one implementation used in training, calibration, export and on the device."""
