"""The commands as programs read them: JSON from real engines."""
