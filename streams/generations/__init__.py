"""Generations of the state: which one is in use, what it was made with, and which log its partitions are made of.

Asks the register (sinks/generations.py). Never makes, switches or drops one: that is streams/rebuild.
"""
