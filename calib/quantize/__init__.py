"""From a bundle and a calibration set to FP16 and INT8 files: ranges, sensitivity in degrees, decisions, report."""
