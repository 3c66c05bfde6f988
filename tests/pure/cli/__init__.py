"""Of streams/cli and streams/settings.py: what a person types and reads."""
