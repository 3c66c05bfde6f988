"""streams/monitoring against the real engines."""
