"""Of streams/delivery: what is flushed, blamed and reported."""
