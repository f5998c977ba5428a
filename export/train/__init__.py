"""Training of both stages: data sources, augmentation, losses and the resumable loop."""
