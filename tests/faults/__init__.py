"""The fault matrix: what happens to a stream that is hurt on purpose, compared byte for byte with one that is not.

`python -m tests.faults` runs it (make faults); test_faults.py runs a part of it. docs/guarantees.md says what was seen.
"""
