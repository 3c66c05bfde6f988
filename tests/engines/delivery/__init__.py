"""Of streams/delivery, into a real ClickHouse that goes away and comes back."""
