"""One process: the Faust application, which partitions it owns, how it is watched, when it stops."""
