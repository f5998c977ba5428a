"""What a bundle's ONNX files must pass before they go to a device: one check per function, one table of them."""
