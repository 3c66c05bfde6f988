"""Batch delivery for Faust: one event per poll and topic-partition instead of one per record.

A small extension that knows nothing of posventa. Faust keeps membership, fetching, agents and supervision; what has
been processed is the business of whoever receives the batches, who must *check* continuity by `start` and `end`.
Use it with topics of `acks=False`, `BatchSchema` and `stream.noack()`; register the transport as in worker.py.
"""

from streams.batches.record_batch import RecordBatch
from streams.batches.schema import BatchSchema

__all__ = ["BatchSchema", "RecordBatch"]
