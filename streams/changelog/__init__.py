"""What a partition remembers, and how it is read back: the records of the changelog topic, META, and the local copy.

Never decides what is remembered.
"""
