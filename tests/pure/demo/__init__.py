"""The demo without its engines: what its story tells."""
