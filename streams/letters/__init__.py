"""Dead letters, read again: what was refused and why, what is in it, and back to its topic once the cause is mended.

Beside the way: it looks at topics and publishes, and knows nothing of units and state.
"""
