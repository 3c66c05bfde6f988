"""This tree held beside another commit: did a change make it slower? docs/performance.md says how to read it."""
