"""From committed rows to ClickHouse: buffer, flush, sink position, freshness.

Never sees a row that is not committed, and never lets a position pass a row that ClickHouse has not acknowledged.
"""
