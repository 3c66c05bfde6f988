"""Text of others as it may be shown to people: what cannot be seen, or changes how its neighbours are read, is spelled out.

Owns no text. Pure. Invariant: what comes out has printable characters alone, so that no id turns a line of a report round
or moves a terminal's cursor.
"""


def visible(text: str) -> str:
    """The text with controls, directions, joiners and lone surrogates as escapes: `\\x1b`, `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
