"""A dead letter is its record as it came, as far as that fits, and says why it was refused."""

from types import SimpleNamespace

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams.batches.unpacking import unread
from streams.brokers.topics import DEAD_LETTERS, SALES
from streams.changelog.records import KeptRefusal
from streams.letters.letter import letter_of
from streams.partition.dead_letter import dead_letter, refusal_of
from streams.unit.intake import Refusal
from streams.unit.marks import marker

BATCH_HEAD_BYTES = 61  # Kafka's record batch format 2


def _refusal(value: bytes, headers: tuple[tuple[str, bytes | None], ...] = ()) -> Refusal:
    return Refusal(
        SimpleNamespace(topic=SALES, partition=3, offset=7, key=b"b:c1", value=value, headers=headers), "r", "d"
    )


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_a_letter_fits_whatever_the_record_is_and_is_the_record_where_that_fits(value: int, header: int) -> None:
    letter = dead_letter(_refusal(bytes(value), (("own", bytes(header)), ("empty", None))), 1, 2000)
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(*letter) + BATCH_HEAD_BYTES
    assert size <= 2000
    assert letter.value in (bytes(value), None)
    if value + header < 1000:
        assert letter.value is not None
        assert letter.headers[:2] == [("own", bytes(header)), ("empty", None)]
    if letter.value is None:
        assert f"{value} bytes" in (dict(letter.headers)["detail"] or b"").decode()


def test_the_letter_of_what_was_not_unpacked_has_no_payload_and_says_where_it_stays() -> None:
    letter = dead_letter(_refusal(unread("everything stays there")), 1, 10_000)
    assert (letter.key, letter.value) == (None, None)
    assert dict(letter.headers)["source-offset"] == b"7"


def test_a_letter_sent_again_says_why_it_was_refused_the_last_time_alone() -> None:
    first = dead_letter(_refusal(b"v"), 1, 10_000)
    second = dead_letter(_refusal(b"v", tuple(first.headers)), 2, 10_000)
    assert [name for name, _ in second.headers] == [name for name, _ in first.headers]
    assert dict(second.headers)["refused-at"] == b"2"


@given(
    st.one_of(st.none(), st.binary(max_size=2048)), st.integers(0, 3000), st.text(max_size=40), st.booleans(),
    st.integers(0, 10**13),
)  # fmt: skip
def test_a_letter_tells_all_that_the_table_of_refusals_shows(
    key: bytes | None, size: int, detail: str, is_unread: bool, refused_at: int
) -> None:
    mark = marker("sales-id", "feedback-id")
    value = unread("everything stays there") if is_unread else bytes(size)
    key = None if is_unread else key  # a batch that was not unpacked has none
    refusal = Refusal(
        SimpleNamespace(topic=SALES, partition=3, offset=7, key=key, value=value, headers=()), "invalid_value", detail
    )
    sent = dead_letter(refusal, refused_at, 2000)
    letter = letter_of(
        SimpleNamespace(topic=DEAD_LETTERS, partition=1, offset=9, key=sent.key, value=sent.value, headers=sent.headers)
    )
    assert letter is not None
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == (SALES, 3, 7)
    expected = KeptRefusal("invalid_value", detail, mark(key) if key else "", refused_at)
    if sent.key == key or sent.value is not None:
        assert refusal_of(letter, mark) == expected
    else:
        assert refusal_of(letter, mark) == expected._replace(record_key="")
