"""A check-up of everything that posventa stands on: servers, topics, rights, clocks, disks, workers, and what publishers send.

Facts are gathered by looking alone (looking.py asks Kafka, querying.py ClickHouse), and judged by pure functions. Nothing is
changed, created or joined: not even a topic or a group comes into being because somebody looked.
"""
