"""Of streams/changelog: META, and the local copy on its own disk."""
