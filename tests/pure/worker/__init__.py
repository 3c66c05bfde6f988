"""Of streams/worker: who is served when, how it starts, what the watchdog sees."""
