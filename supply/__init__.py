"""What others made and posventa runs: whether it has known vulnerabilities, and which bytes an image's tag stands for."""
