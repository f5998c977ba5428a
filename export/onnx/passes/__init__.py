"""Graph passes: one transform per module, each ``apply(graph) -> int`` on an onnx-graphsurgeon graph.

``apply`` changes the graph in place, keeps its inputs, outputs and meaning, and returns how many places it changed.
"""
