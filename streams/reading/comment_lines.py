"""A comment to be read by itself, and what is known about it: the lines of `posventa read`.

Owns their fields. Pure. Invariant: what is known is valid, as in an event; what is not known is None.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.errors import InvalidValue, shown
from schemas.validation import COMMENT_CHARACTERS_MAX, OFFERINGS, SCORES
from streams.reading.topics import VERDICT_MEANINGS

FIELDS: Final = ("id", "comment", "language", "offering", "metric", "score", "asked", "brand_id")


class CommentLine(NamedTuple):
    """One comment. An unknown offering is read as goods."""

    id: str | int
    comment: str
    language: str | None
    offering: str
    scores: tuple[tuple[str, int], ...]
    asked: str | None


def parse_comment(fields: Mapping[str, object]) -> CommentLine:
    """One line. Other fields than FIELDS are passed over. Raises InvalidValue naming the field."""
    name, comment = fields.get("id"), fields.get("comment")
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        raise InvalidValue("id", shown(name), "a text or a whole number")
    if not isinstance(comment, str):
        raise InvalidValue("comment", shown(comment), "a text")
    if len(comment) > COMMENT_CHARACTERS_MAX:
        raise InvalidValue("comment", f"{len(comment):,} characters", f"at most {COMMENT_CHARACTERS_MAX:,}")
    _text(fields, "brand_id")
    return CommentLine(
        name,
        comment,
        _text(fields, "language"),
        _choice(fields, "offering", OFFERINGS) or OFFERINGS[0],
        _scores(fields),
        _choice(fields, "asked", tuple(VERDICT_MEANINGS)),
    )


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidValue(name, shown(value), "a text or null")
    return value


def _choice(fields: Mapping[str, object], name: str, choices: tuple[str, ...]) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or value not in choices:
        raise InvalidValue(name, shown(value), f"one of {', '.join(choices)}")
    return value


def _scores(fields: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    metric, score = _choice(fields, "metric", tuple(SCORES)), fields.get("score")
    if score is None:
        return ()
    if metric is None:
        raise InvalidValue("score", shown(score), "a metric with it")
    low, high = SCORES[metric]
    if isinstance(score, bool) or not isinstance(score, int) or not low <= score <= high:
        raise InvalidValue("score", shown(score), f"a whole number from {low} to {high}, as {metric} has")
    return ((metric, score),)
