"""Measurements of the whole job, on engines that they start themselves. Never a test: nothing fails by being slow."""
