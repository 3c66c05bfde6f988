"""Of streams/batches: reading what aiokafka cannot."""
