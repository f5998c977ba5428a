"""The kiosk's daemon: one loop that guides, scans by itself or on command, and comes back after every failure."""
