"""The vocabulary: what a sale and a feedback are, which of them are valid, how they stand in bytes, what is measured.

Imports nothing of the other packages. The published Avro schemas are in avro/ and never change.
"""
