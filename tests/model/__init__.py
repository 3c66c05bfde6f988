"""The protocol of a partition, tried in interleavings that no real run hits: a seeded simulation in one event loop.

The real code decides: Owner, Partition, Outbox, Assignment, Watch, Rerouter, unit, meta, records and rows run as they are.
Modelled is what lies outside: time and the order of steps (loop.py), the network (network.py), Kafka (kafka.py,
kafka_clients.py), ClickHouse (clickhouse.py), the local copies (disk.py) and the consumer group with its deliveries
(group.py, worker.py). law.py checks every commit, insert, report and write of a local copy; chaos.py decides what goes wrong
and when; a seed repeats a run exactly. sweep.py tries every crash point of one small history. mutants.py breaks the real
code, one rule at a time: each mutant must be caught.

    python -m tests.model --seeds 5000              many runs
    python -m tests.model --seed 17 --log           one run again, with what the workers say
    python -m tests.model --sweep --seed 3          every crash point of another order of steps
    python -m tests.model --mutants                 which law catches which mutant, and after how many seeds
"""
