"""Behaving stand-ins for TensorRT and pycuda, for machines without a GPU: they compute, and refuse as those do."""
