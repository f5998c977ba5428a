"""How the daemon tells that it is well: metrics and probes on loopback, and a log that names nobody."""
