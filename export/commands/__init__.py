"""One module per subcommand of ``latx-export``."""
