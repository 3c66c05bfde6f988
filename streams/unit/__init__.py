"""Pure and compiled: records in; changed state, rows and refusals out. No Kafka, no ClickHouse, no clock, no I/O."""
