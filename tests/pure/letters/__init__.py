"""Of dead letters: which are meant, which stand, and what can be told of any bytes."""
