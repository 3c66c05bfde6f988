"""Of streams/publishing, to a real Kafka."""
