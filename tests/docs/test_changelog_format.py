"""The dumps of docs/reference/changelog-format.md are what the code writes, and what it reads back."""

import re
from typing import Final

import msgpack

from schemas.events import Feedback, Finding, Sale
from schemas.measures import MEASURES, VERDICTS
from sinks.tables import TABLES
from streams.brokers.topics import FEEDBACK, SALES
from streams.changelog import meta, records
from streams.domain import state
from streams.domain.fold import fold
from streams.domain.rules import Rules
from streams.unit.marks import marker
from streams.unit.rows import RowMaker, Rows
from tests.support.places import ROOT

PAGE: Final = (ROOT / "docs" / "reference" / "changelog-format.md").read_text()
KINDS: Final = {
    "A customer": records.CUSTOMER,
    "A pane": records.PANE,
    "A pane of a topic": records.TOPIC,
    "A comment": records.COMMENT,
    "A kept refusal": records.REFUSAL,
    "META": records.META,
    "Given up": records.GIVEN_UP,
}
SALE: Final = Sale(
    "evt-1", "acme", "cust-7", "order-42", "PLACED", 0, "aff-3", "sku-9", "PHYSICAL", 499_000, 49_900, "EUR",
    "spring-mail", None, 1_767_268_800_000,
)  # fmt: skip
ANSWER: Final = Feedback(
    "evt-2", "acme", "cust-7", "survey-42", "ANSWERED", 0, "order-42", None, "NPS", 9,
    (Finding("DONE_RIGHT", "delivery"), Finding("MISSING_INFORMATION", "size")), "Came quickly.", "en",
    1_767_943_800_000,
)  # fmt: skip


def dump(title: str) -> tuple[bytes, bytes]:
    """The key and the value under a heading: hex digits up to two spaces, then words for people."""
    block = re.search(rf"^### {title}\n.*?```\nkey\n(.*?)\nvalue\n(.*?)\n```", PAGE, re.DOTALL | re.MULTILINE)
    assert block, title
    key, value = ("".join(line.partition("  ")[0] for line in part.splitlines()) for part in block.groups())
    return bytes.fromhex(key), bytes.fromhex(value)


def dumped() -> dict[bytes, tuple[bytes, bytes]]:
    return {kind: dump(title) for title, kind in KINDS.items()}


def test_there_is_a_dump_and_a_row_of_every_kind() -> None:
    kinds = {value for name, value in vars(records).items() if name.isupper() and isinstance(value, bytes)}
    assert set(dumped()) == kinds
    assert all(key.startswith(kind) for kind, (key, _) in dumped().items())
    assert {kind.encode() for kind in re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)} == kinds


def test_the_customer_is_the_sale_and_the_answer_folded() -> None:
    key, value = dump("A customer")
    customer = state.Customer("acme", "cust-7")
    for event in (SALE, ANSWER):
        assert fold(customer, event, Rules())
    assert (key, value) == (records.customer_key(b"acme:cust-7"), state.encode(customer))
    assert state.encode(state.decode(value)) == value


def test_the_pane_counts_the_sale_by_every_measure_in_order() -> None:
    key, value = dump("A pane")
    expected = {"sales": 1, "gross": 499_000, "commission": 49_900, "new_customers": 1, "answered_sales": 1}
    measures = [expected.get(name, 0) for name in MEASURES]
    assert (key, value) == (
        records.pack_key(records.PANE, ("acme", "aff-3", "EUR", 1_767_268_800)), records.pack_measures(measures),
    )  # fmt: skip
    assert list(records.unpack_measures(value)) == measures


def test_the_pane_of_a_topic_counts_one_answer_of_a_promoter() -> None:
    key, value = dump("A pane of a topic")
    assert key == records.pack_key(records.TOPIC, ("acme", "aff-3", "delivery", VERDICTS[0], 1_767_943_800))
    assert records.unpack_topic(value) == (1, 1, 0, 0, 0, 0)


def test_the_comment_and_the_refusal_are_packed_as_told() -> None:
    detail = "5 bytes begin with '6865', expected c301: Avro single-object encoding"
    mark = marker("sales-id", "feedback-id")(b"acme:cust-7")
    refusal = records.KeptRefusal("undecodable", detail, mark, 1_767_945_605_000)
    assert dump("A comment") == (
        records.pack_key(records.COMMENT, ("acme", "cust-7", "survey-42")), records.pack(("Came quickly.", "en")),
    )  # fmt: skip
    assert dump("A kept refusal") == (records.pack_key(records.REFUSAL, (SALES, 4, 1)), records.pack(refusal))


def test_what_was_given_up_is_an_offset() -> None:
    assert dump("Given up") == (records.GIVEN_UP, records.pack(12))


def test_meta_says_what_is_applied_on_which_ground() -> None:
    key, value = dump("META")
    found = meta.decode(value)
    assert (key, meta.encode(found)) == (records.META, value)
    assert found.version == 3
    assert found.applied == {SALES: meta.Applied(2, 1_767_268_801_000), FEEDBACK: meta.Applied(1, 1_767_943_800_420)}
    assert (found.ground.partitions, found.ground.pane_s, found.ground.format) == (8, 300, state.FORMAT)


def test_every_base_table_that_shows_content_gets_a_row_of_these_records() -> None:
    rows: Rows = {}
    maker = RowMaker(1, 4, Rules())
    for key, value in dumped().values():
        maker.of_record(rows, key, value, msgpack.packb(3))
    nothing_given_back = {"reversals"}
    assert {table.name for table in rows} == {table.name for table in TABLES} - {"freshness"} - nothing_given_back
