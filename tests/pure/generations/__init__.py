"""Of generations: which log belongs to which partition, and whose settings hold."""
