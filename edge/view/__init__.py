"""From a camera frame to the orthographic, gravity-vertical, yaw-normalised back view."""
