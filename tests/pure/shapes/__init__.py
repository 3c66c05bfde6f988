"""Tests of mappings: files in other people's shapes become the events that a person reads in them."""
