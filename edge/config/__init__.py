"""The configuration of ``latx-edge run``: one TOML file, versioned, checked whole before anything starts."""
