"""From checkpoints to a verified model bundle."""
