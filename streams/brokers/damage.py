"""What to say of a batch that nobody can read.

Pure. Owns the words, and what an operator can do.
"""

from streams.errors import Damaged


def damaged(error: Exception) -> Damaged:
    """The error to raise for what a reader of records fails by, which names the place."""
    return Damaged(
        f"{error}. Kafka's disk, or somebody, changed what was written: let a sound replica lead, restore the log, or give the "
        "batch up with POSVENTA_REFUSE_DAMAGED (docs/operating.md: a damaged batch)"
    )
