"""What we know of Kafka without asking it."""
