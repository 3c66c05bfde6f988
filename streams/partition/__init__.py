"""One partition, one owner: it is claimed, batches wait in its inbox, and become unit after unit, each one transaction.

What fails is tried again, what is refused becomes a dead letter, what belongs elsewhere is re-routed.
"""
