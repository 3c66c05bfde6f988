"""Of sinks/: migrations and the writer, on a real ClickHouse."""
