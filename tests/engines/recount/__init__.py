"""Of the second count: on real topics and tables, also while the stream goes on."""
