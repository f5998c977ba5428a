"""Training, ONNX export and engine building for LatXGen Edge. Needs a workstation, not the device."""
