"""The ClickHouse engine in one process of this machine, behind ClickHouse's own HTTP interface.

`python -m sinks.embedded` runs it.
"""
