"""Tests that start no server: seconds, `make quick`. The folders are those of the code."""
