"""Where results go. The disk is the first and only place that must hold one; others read from it."""
