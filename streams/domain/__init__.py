"""The pure core: folding a customer's events and what they contribute. No Kafka, no ClickHouse, no clock, no I/O."""
