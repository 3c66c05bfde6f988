"""States that released versions left behind, as bytes, and how one is put into engines again.

    python -m tests.kept 0.1        writes tests/kept/0.1.xz from made-up events, with the version that is checked out

Made once, by the version itself; never edited, and never made anew for a version that is released.
"""
