"""Building TensorRT engines on the device: build, self-test, and installation beside a manifest."""
