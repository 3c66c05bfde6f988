"""The whole stream: workers, Kafka and ClickHouse, in peace and in trouble."""
