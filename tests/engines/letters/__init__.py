"""Of dead letters: listed, shown and replayed on the real topics."""
