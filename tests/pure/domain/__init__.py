"""Of streams/domain: its laws, its numbers, and what a state keeps."""
