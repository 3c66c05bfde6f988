"""Of streams/batches, with Faust and a real Kafka."""
