"""Tests on the real Kafka and ClickHouse, started by their fixtures."""
