"""Of bench/: the arithmetic behind its figures."""
