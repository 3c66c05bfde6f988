"""`posventa up`: Kafka, ClickHouse, workers and a web page as processes of this machine, started, watched and ended."""
