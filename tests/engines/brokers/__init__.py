"""Of streams/brokers: the lag that a real Kafka tells."""
