"""Of streams/embedded and sinks/embedded: both engines on this machine, `posventa up` and `posventa demo`."""
