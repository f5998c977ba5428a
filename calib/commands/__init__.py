"""The subcommands of ``latx-calib``, one module each: ``configure(parser)`` and ``run(args) -> int``."""
