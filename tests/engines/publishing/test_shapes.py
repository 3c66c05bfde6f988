"""Files in other people's shapes reach Kafka once in effect, under their keys, and without an address or the key."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import decode_one_of
from schemas.events import Attribution, Event, Feedback, Reversal, Sale
from streams.brokers.topics import BY_SALE
from tests.engines.publishing.conftest import Tail
from tests.engines.publishing.test_publishing import run_publish
from tests.support.shaped import KEY, SAMPLES, sample

SHOP = ("shopify-orders", "shopify_orders_export.csv")
NETWORK = ("awin", "awin_transactions.json")
SURVEY = ("delighted", "delighted_webhooks.jsonl")
REVIEWS = ("judgeme", "judgeme_reviews.csv")
PAYMENTS = ("stripe", "stripe_events.jsonl")
KINDS = ("posventa.Sale", "posventa.Reversal", "posventa.Attribution", "posventa.Feedback")
FILES = (SHOP, NETWORK, SURVEY, REVIEWS, PAYMENTS)


def decoded(record: Any) -> Event:
    return decode_one_of(record.value, KINDS)


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    mark = tmp_path / "key.mark"
    monkeypatch.setenv("POSVENTA_PSEUDONYM_KEY", KEY)
    monkeypatch.setenv("POSVENTA_PSEUDONYM_MARK", str(mark))
    return mark


def offering(shape: str) -> dict[str, str]:
    return {"offering": "PHYSICAL"} if shape == "stripe" else {}


def test_files_of_one_brand_arrive_and_again_as_the_same_events(broker: str, tail: Tail, keyed: Path) -> None:
    told = ""
    for shape, file in (*FILES, PAYMENTS, SHOP):
        said = [
            word
            for name, value in {"brand_id": "norte", **offering(shape)}.items()
            for word in ("--set", f"{name}={value}")
        ]
        done = run_publish(broker, "--as", shape, *said, "--json", str(SAMPLES / file))
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        events, _, skipped = sample(shape, file, **offering(shape))
        assert (summary["published"], summary["refused"], summary["skipped"]) == (len(events), 0, skipped)
        told += done.stdout.decode() + done.stderr.decode()
    records = tail.read()
    arrived = [decoded(record) for record in records]
    expected = {event for shape, file in FILES for event in sample(shape, file, **offering(shape))[0]}
    assert set(arrived) == expected
    again = [event for shape, file in (PAYMENTS, SHOP) for event in sample(shape, file, **offering(shape))[0]]
    assert len(arrived) == len(expected) + len(again)
    assert len({event.event_id for event in arrived}) == len(expected)
    for event, record in zip(arrived, records, strict=True):
        assert (record.topic == BY_SALE) == (event.customer_id is None)
        assert record.key == f"norte:{event.customer_id or event.sale_id}".encode()
    assert {type(event) for event in arrived} == {Sale, Reversal, Attribution, Feedback}
    assert keyed.exists()
    bytes_seen = b"".join(record.key + record.value for record in records) + told.encode() + keyed.read_bytes()
    assert KEY.encode() not in bytes_seen
    for address in re.findall(rb"[\w.]+@example\.com", b"".join((SAMPLES / file).read_bytes() for _, file in FILES)):
        assert address not in bytes_seen


def test_a_refused_row_is_told_and_the_rest_is_published(broker: str, tail: Tail) -> None:
    said = ["--set", "brand_id=norte", "--set", "offering=PHYSICAL"]
    done = run_publish(broker, "--as", "segment", *said, "-", stdin=(SAMPLES / "segment_track.jsonl").read_bytes())
    assert done.returncode == 1
    assert done.stderr.decode().startswith("-: row 3 refused: amount: found nothing")
    assert "published 3 events" in done.stdout.decode()
    assert sorted(decoded(record).event_id for record in tail.read()) == ["m-1", "m-2", "m-4"]
