"""The numbers counted a second time, from the topics, by code that the workers do not run: `posventa verify`.

Shares with them the events (schemas/) and nothing of how they are counted, kept or delivered.
"""
