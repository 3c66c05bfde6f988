"""A sale's way, from top to bottom: each package imports only from those below it.

cli         a person asks
worker      one process: the Faust application, which partitions it owns, when it stops
batches     Faust delivers: one RecordBatch per poll and partition (a library of its own)
partition   one partition, one owner: claim, inbox, unit after unit, failures, dead letters
delivery    committed rows -> ClickHouse: buffer, flush, sink position, freshness
unit        pure and compiled: records in; changed state, rows and refusals out
changelog   what a partition remembers, and how it is read back
domain      pure and compiled: fold, link, count
brokers     what we know and ask of Kafka

Beside the way stand reading (findings from comments), publishing (events into Kafka), shapes (other people's files
become events), generations (which state is in use), rebuild (a new one beside it), recount (everything counted a second
time), letters (what was refused, read and replayed), doctor (a look at all that it stands on), monitoring (metrics for
Prometheus), embedded (both engines on one machine) and demo.
docs/architecture.md follows one sale through all of it.
"""
