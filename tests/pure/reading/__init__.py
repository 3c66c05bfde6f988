"""The comment reader, held against sentences and reviews that people labelled: `python -m tests.pure.reading`."""
