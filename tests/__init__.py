"""Tests, named as laws. README.md says what is where, what it needs and how long it takes."""
