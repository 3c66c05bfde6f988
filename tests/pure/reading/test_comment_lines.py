"""The lines of `posventa read`: what is known is checked, and refused by field."""

from collections.abc import Mapping

import pytest

from schemas.errors import InvalidValue
from streams.reading.comment_lines import CommentLine, parse_comment
from streams.reading.precision import wilson


def test_a_line_with_everything() -> None:
    line = {
        "id": "a", "comment": "late", "language": "en", "offering": "SERVICE", "metric": "NPS", "score": 3,
        "asked": "DONE_RIGHT", "brand_id": "acme", "anything": [1],
    }  # fmt: skip
    assert parse_comment(line) == CommentLine("a", "late", "en", "SERVICE", (("NPS", 3),), "DONE_RIGHT")


def test_a_line_with_little() -> None:
    assert parse_comment({"id": 7, "comment": ""}) == CommentLine(7, "", None, "PHYSICAL", (), None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"comment": "x"}, "id"),
        ({"id": "", "comment": "x"}, "id"),
        ({"id": True, "comment": "x"}, "id"),
        ({"id": 1}, "comment"),
        ({"id": 1, "comment": None}, "comment"),
        ({"id": 1, "comment": "x" * 10_001}, "comment"),
        ({"id": 1, "comment": "x", "language": 5}, "language"),
        ({"id": 1, "comment": "x", "brand_id": 5}, "brand_id"),
        ({"id": 1, "comment": "x", "offering": "BOTH"}, "offering"),
        ({"id": 1, "comment": "x", "asked": "PRAISE"}, "asked"),
        ({"id": 1, "comment": "x", "metric": "STARS"}, "metric"),
        ({"id": 1, "comment": "x", "score": 5}, "score"),
        ({"id": 1, "comment": "x", "metric": "CSAT", "score": 6}, "score"),
        ({"id": 1, "comment": "x", "metric": "CSAT", "score": 4.0}, "score"),
        ({"id": 1, "comment": "x", "metric": "CSAT", "score": True}, "score"),
    ],
)
def test_what_is_wrong_is_refused_by_field(fields: Mapping[str, object], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_comment(fields)
    assert refused.value.detail.startswith(f"{field}: ")


def test_the_interval_is_wilsons() -> None:
    """Figures of Brown, Cai and DasGupta (2001) and of the limits."""
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
