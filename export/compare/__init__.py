"""Two or more bundles, precisions or runtimes on the same views: tensors, angles in degrees, and time."""
