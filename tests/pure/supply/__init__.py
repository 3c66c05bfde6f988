"""What is told of what others made."""
