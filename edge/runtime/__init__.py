"""Running the two stages of the model: the bundle that holds them, the runners, and their stand-in."""
