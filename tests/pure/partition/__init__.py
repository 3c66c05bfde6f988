"""Of streams/partition: the inbox, and what was not delivered."""
