"""Seeded attacks on the embedded ClickHouse: statements that try every way out of a database, through the real front."""
