"""The fault matrix without its engines: what it feeds in, and how it compares."""
