"""Timing the model on everything that can run it: a process each, in turns, on the same frames."""
