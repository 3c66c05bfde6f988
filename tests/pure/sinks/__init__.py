"""Of sinks/: the errors of ClickHouse, and its protocol."""
