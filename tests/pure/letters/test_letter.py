"""Which letters are meant, and which stand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.events import Event
from schemas.inspection import inspect
from schemas.registry import BY_HEADER, HEADER_BYTES
from streams.letters.letter import REPLAYED, Choice, Letter, letter_of, standing
from tests.support.domain_strategies import A_SALE, events

WHEN = datetime(2026, 11, 27, tzinfo=UTC)


def letter(offset: int, replaces: str = "", reason: str = "undecodable", key: bytes | None = b"acme:c1") -> Letter:
    """The letter of partition 3 at an offset, refused so many seconds after WHEN."""
    headers: Sequence[tuple[str, bytes | None]] = [(REPLAYED, replaces.encode())] if replaces else []
    at = WHEN + timedelta(seconds=offset)
    return Letter(3, offset, key, b"", headers, reason, "", "posventa.sales.v1", 3, offset, at)


def test_only_the_last_refusal_of_a_record_stands() -> None:
    letters = [letter(1), letter(2), letter(3, replaces="3:1"), letter(4, replaces="3:3")]
    assert [found.place for found in standing(letters)] == ["3:2", "3:4"]


@pytest.mark.parametrize(
    ("choice", "places"),
    [
        (Choice(), ["3:1", "3:2", "3:3"]),
        (Choice(places=frozenset({"3:2", "4:2"})), ["3:2"]),
        (Choice(reason="customer_full"), ["3:3"]),
        (Choice(brand="acme"), ["3:1", "3:3"]),
        (Choice(brand=""), ["3:2"]),
        (Choice(topic="posventa.feedback.v1"), []),
        (Choice(since=WHEN + timedelta(seconds=2)), ["3:2", "3:3"]),
        (Choice(before=WHEN + timedelta(seconds=2)), ["3:1"]),
        (Choice(reason="undecodable", since=WHEN + timedelta(seconds=2)), ["3:2"]),
    ],
)
def test_a_choice_narrows_by_all_that_it_says(choice: Choice, places: list[str]) -> None:
    letters = [letter(1), letter(2, key=None), letter(3, reason="customer_full")]
    assert [found.place for found in letters if found in choice] == places


WHY = {
    "reason": b"undecodable", "detail": b"", "source-topic": b"posventa.sales.v1", "source-partition": b"3",
    "source-offset": b"250", "refused-at": b"1700000000123",
}  # fmt: skip


@pytest.mark.parametrize(
    "spoiled",
    [
        {},
        *(
            {name: odd}
            for name in ("source-partition", "source-offset", "refused-at")
            for odd in (b"x\xff", "\u0663".encode(), b"9" * 15, b"9" * 5000)
        ),
    ],
)
def test_what_the_workers_did_not_write_is_no_letter(spoiled: dict[str, bytes]) -> None:
    headers = list((WHY | spoiled).items()) if spoiled else [("reason", b"undecodable")]
    record = SimpleNamespace(partition=3, offset=7, key=None, value=b"", headers=headers)
    assert letter_of(record) is None
    record.headers = [("x", b"y"), *WHY.items()]
    found = letter_of(record)
    assert found is not None
    assert (found.place, found.source_offset, found.headers) == ("3:7", 250, [("x", b"y")])
    assert found.refused_at == datetime.fromtimestamp(1700000000, UTC) + timedelta(milliseconds=123)


@given(events(), st.integers(0, 400))
def test_an_event_cut_short_is_shown_up_to_where_it_broke(stream: list[Event], cut: int) -> None:
    event, whole = stream[0], encode(stream[0])
    data = whole[: max(HEADER_BYTES, len(whole) - cut)]
    found = inspect(data)
    schema = BY_HEADER[whole[:HEADER_BYTES]]
    assert found.schema == f"{schema.full_name} v{schema.version}"
    told = [field["name"] for field in schema.plain["fields"]]
    names = list(found.fields)
    assert names == told[: len(names)]
    lists = ("findings", "scores", "other_product_ids")
    plain = {name: value for name, value in event._asdict().items() if name not in lists}
    assert {name: value for name, value in found.fields.items() if name not in lists} == {
        name: value for name, value in plain.items() if name in found.fields
    }
    if data == whole:
        assert (found.broke_at, found.why, len(names)) == (None, "", len(told))
    else:
        assert found.broke_at is not None
        assert HEADER_BYTES <= found.broke_at <= len(data)
        assert found.why.startswith(told[len(names)])


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: encode(A_SALE)[:HEADER_BYTES] + rest))
def test_any_bytes_are_told_of(data: bytes) -> None:
    found = inspect(data)
    assert (found.broke_at is None) == (found.why == "")
    assert found.broke_at is None or 0 <= found.broke_at <= len(data)
