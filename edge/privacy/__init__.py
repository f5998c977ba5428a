"""What keeps a child's data few, short-lived and accounted for: opaque references, retention, wipe, audit log."""
