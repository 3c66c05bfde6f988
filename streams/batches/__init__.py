"""Batch delivery for Faust: one event per poll and topic-partition instead of one per record. See docs/batches.md.

A library of its own: it imports Faust and aiokafka, nothing else, and by relative names, so that this folder can be
copied under any name. Faust keeps membership, agents and supervision; what has been processed is the business of
whoever receives the batches, who must *check* continuity by `start` and `end`.
"""

from .damage import DamagedBatch, refuse_batches
from .record_batch import RecordBatch
from .schema import BatchSchema
from .transport import positions, register
from .unpacking import Unread

__all__ = ["BatchSchema", "DamagedBatch", "RecordBatch", "Unread", "positions", "refuse_batches", "register"]
