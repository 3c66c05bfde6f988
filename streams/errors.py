"""The errors of the application, one small tree.

PosventaError
+-- Misuse            the user asked for something impossible; exit 2, the message says what to type instead
+-- Unavailable       a server is away; the message says which, where, and since when
+-- NotAdmitted       an Unavailable that is there and refuses certificate, password or right: trying again is of no use
+-- NoAnswer          an Unavailable from which nothing comes, not even a refusal
+-- StateRefused      a claim found state that must not be papered over; the message says what to do
+-- OwnershipLost     another worker owns the partition now, or its commit's outcome is unknown: claim again
+-- Damaged           bytes in Kafka are not those that were written; the message names topic, partition and offset
+-- Stuck             input waits and nothing is applied: the worker ends, so that its supervisor starts another
"""


class PosventaError(Exception):
    """Anything posventa says no with. The message is for people: what was found, what was expected, what to do."""


class Misuse(PosventaError):
    """A command or setting that cannot be obeyed."""


class Unavailable(PosventaError):
    """Kafka or ClickHouse cannot be reached, or refuses."""


class NotAdmitted(Unavailable):
    """Kafka answers and does not let us in, or not do what we ask, until somebody changes something."""


class NoAnswer(Unavailable):
    """Nothing comes from there: what was last known is all that can be known."""


class StateRefused(PosventaError):
    """Topics, changelog, settings and ClickHouse do not belong together."""


class OwnershipLost(PosventaError):
    """The partition must be claimed anew before anything else is done with it."""


class Damaged(PosventaError):
    """A batch of records can't be read by anybody, until somebody mends it or gives it up."""


class Stuck(PosventaError):
    """No progress with input waiting."""
