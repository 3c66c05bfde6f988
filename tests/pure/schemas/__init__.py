"""Of schemas/: bytes, values and their refusals."""
