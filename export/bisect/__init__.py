"""Where two forms of a stage part: the first node out of tolerance, and what it costs in degrees."""
