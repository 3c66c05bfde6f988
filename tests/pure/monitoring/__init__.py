"""Laws of streams/monitoring."""
