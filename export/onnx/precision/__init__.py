"""Precision is written into the graph: which layers may be narrowed, and the FP16 and INT8 forms of a stage."""
