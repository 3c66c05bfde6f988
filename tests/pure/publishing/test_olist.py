"""The Olist files say what section 6 of the contract makes of them."""

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from schemas.events import Event, Feedback, Sale
from schemas.validation import validate
from streams.errors import Misuse
from streams.publishing.olist import read_olist
from tests.support.places import OLIST as SAMPLE

FILES = {
    "orders": """order_id,customer_id,order_status,order_purchase_timestamp
o1,k1,delivered,2018-01-01 10:00:00
o2,k2,canceled,2018-01-02 10:00:00
o3,k3,unavailable,2018-01-03 10:00:00
""",
    "customers": "customer_id,customer_unique_id\nk1,u1\nk2,u1\nk3,u2\n",
    "order_items": """order_id,order_item_id,product_id,seller_id,price,freight_value
o1,2,p2,seller2,0.10,0.20
o1,1,p1,seller1,39.95,17.93
o2,1,p3,seller3,5.00,0.00
""",
    "order_reviews": "review_id,order_id,review_score,review_comment_title,review_comment_message,"
    '''review_creation_date,review_answer_timestamp
r1,o1,4,,"two
lines, ""quoted""",2018-01-09 00:00:00,2018-01-10 12:30:15
r1,o3,1,,,2018-01-05 00:00:00,2018-01-06 00:00:01
r2,unheard-of,1,,,2018-01-05 00:00:00,2018-01-06 00:00:01
''',
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / f"olist_{name}_dataset.csv").write_text(text, encoding="utf-8")
    return tmp_path


def _sales(events: list[Event]) -> dict[str, Sale]:
    return {event.event_id: event for event in events if isinstance(event, Sale)}


def _feedback(events: list[Event]) -> dict[str, Feedback]:
    return {event.event_id: event for event in events if isinstance(event, Feedback)}


def test_an_order_is_one_sale_of_its_first_item_s_seller_for_the_sum_of_its_items(files: Path) -> None:
    placed = Sale(
        "o1:placed", "olist", "u1", "o1", "PLACED", 0, "seller1", "p1", "PHYSICAL", 58_1800, 0, "BRL", None, None,
        1_514_800_800_000,
    )  # fmt: skip
    assert _sales(list(read_olist(files).events()))["o1:placed"] == placed


def test_a_canceled_order_is_placed_and_then_rejected_at_the_same_time(files: Path) -> None:
    sales = _sales(list(read_olist(files).events()))
    assert set(sales) == {"o1:placed", "o2:placed", "o2:rejected"}
    assert sales["o2:rejected"] == sales["o2:placed"]._replace(event_id="o2:rejected", action="REJECTED", revision=1)


def test_a_review_is_an_invitation_and_an_answer(files: Path) -> None:
    feedback = _feedback(list(read_olist(files).events()))
    assert feedback["r1:o1:invited"] == Feedback(
        "r1:o1:invited", "olist", "u1", "r1:o1", "INVITED", 0, "o1", None, None, None, (), None, None, 1_515_456_000_000
    )
    assert feedback["r1:o1:answered"] == Feedback(
        "r1:o1:answered", "olist", "u1", "r1:o1", "ANSWERED", 0, "o1", None, "CSAT", 4, (),
        'two\nlines, "quoted"', "pt-BR", 1_515_587_415_000,
    )  # fmt: skip


def test_an_order_without_items_is_left_out_but_not_its_review(files: Path) -> None:
    olist = read_olist(files)
    assert olist.left_out_orders == 1
    assert olist.left_out_reviews == 1
    assert _feedback(list(olist.events()))["r1:o3:answered"].comment is None


def test_a_shift_moves_every_time_and_nothing_else(files: Path) -> None:
    events, later = list(read_olist(files).events()), list(read_olist(files).events(shift_ms=12_345))
    assert [event._replace(occurred_at=event.occurred_at + 12_345) for event in events] == later
    assert read_olist(files).newest_ms() == max(event.occurred_at for event in events)


def test_a_directory_without_the_files_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="olist_orders_dataset"):
        read_olist(tmp_path / "nowhere")


@pytest.mark.skipif(not SAMPLE.exists(), reason="the Olist sample is not on this machine")
def test_the_real_sample_is_valid_and_complete() -> None:
    def rows(name: str) -> list[dict[str, str]]:
        with (SAMPLE / f"olist_{name}_dataset.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    events = list(read_olist(SAMPLE).events())
    for event in events:
        validate(event)
    assert len({(type(event), event.event_id) for event in events}) == len(events)
    items, with_items = rows("order_items"), {row["order_id"] for row in rows("order_items")}
    void = [
        r for r in rows("orders") if r["order_status"] in ("canceled", "unavailable") and r["order_id"] in with_items
    ]
    actions = Counter(event.action for event in events if isinstance(event, Sale | Feedback))
    reviews = len(rows("order_reviews"))
    assert actions == Counter(PLACED=len(with_items), REJECTED=len(void), INVITED=reviews, ANSWERED=reviews)
    gross = sum(event.amount for event in events if isinstance(event, Sale) and event.action == "PLACED")
    assert Decimal(gross) / 10_000 == sum(Decimal(row["price"]) + Decimal(row["freight_value"]) for row in items)
