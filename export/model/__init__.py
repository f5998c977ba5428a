"""The two networks of LatXGen Edge in PyTorch, and the building blocks they share."""
