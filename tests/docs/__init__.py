"""Tests that tie the pages, the settings and the house's own rules to the code."""
