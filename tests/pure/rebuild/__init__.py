"""Of what a rebuild decides without any engine."""
