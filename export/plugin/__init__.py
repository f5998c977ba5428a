"""The FFT plugin: a CUDA library with a plain C interface (``cuda/``), TensorRT's glue over it (``tensorrt/``), and
what builds, binds and times them from Python."""
