"""What the newest records say of their publishers."""

from types import SimpleNamespace
from typing import Any

from schemas.codec import encode
from schemas.events import Feedback, partition_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import FEEDBACK, SALES
from streams.doctor import sampling
from streams.doctor.telling import ERROR, WARNING
from streams.generations.logs import SourceLayout
from tests.support.domain_strategies import A_SALE

A_FEEDBACK = Feedback(
    "e2", "b", "c1", "f1", "ANSWERED", 0, "s1", None, "NPS", 9, (), None, None, A_SALE.occurred_at
)  # fmt: skip
KEY = partition_key(A_SALE.brand_id, A_SALE.customer_id)
HOME = partition_for(KEY, 8)


def record(value: bytes | None, key: bytes | None = KEY, partition: int = HOME, topic: str = SALES) -> Any:
    return SimpleNamespace(topic=topic, partition=partition, offset=0, key=key, value=value, headers=())


def test_keys_and_partitions_that_are_wrong_are_told_by_topic() -> None:
    sale = encode(A_SALE)
    sound = [record(sale), record(None, None), record(b"no event", None)]
    assert sampling.judge_keys(sound, SourceLayout(8, 8)) == ("1 events", ())
    wrong = [record(sale, None), record(sale, b"other"), record(sale, partition=(HOME + 1) % 8)]
    [trouble] = sampling.judge_keys(sound + wrong, SourceLayout(8, 8)).findings
    assert trouble.severity == WARNING
    for words in (SALES, "of 4 events", "1 without a key", "1 under another key", "1 on another partition"):
        assert words in trouble.found


def test_schemas_are_counted_and_unknown_ones_told() -> None:
    known = [record(encode(A_SALE)), record(encode(A_FEEDBACK), topic=FEEDBACK), record(None)]
    seen = sampling.judge_schemas(known)
    assert seen.findings == ()
    assert seen.found == "1 null values (ignored), 1 posventa.Feedback v1, 1 posventa.Sale v1"
    odd = [record(b"\xc3\x01abcdefgh rest"), record(b"\x00\x00\x00\x00\x01rest"), record(b"{}")]
    [trouble] = sampling.judge_schemas(known + odd).findings
    assert trouble.severity == ERROR
    for words in ("unknown schema 6162636465666768", "Confluent", "1 without Avro's framing"):
        assert words in trouble.found


def test_sales_that_answers_name_are_known_or_told() -> None:
    answers = [A_FEEDBACK._replace(feedback_id=f"f{n}", sale_id="s") for n in range(400)]
    silent = [
        A_FEEDBACK._replace(feedback_id="none", sale_id=None),
        A_FEEDBACK._replace(action="INVITED", feedback_id="i"),
    ]
    records = [record(encode(event), topic=FEEDBACK) for event in answers + silent]
    asked = sampling.answers_naming_a_sale(records)
    assert [feedback_id for *_, feedback_id in asked] == [f"f{n}" for n in range(100, 400)]
    assert sampling.judge_links({}).findings == ()
    assert sampling.judge_links({"sale": 95, "none": 5}).findings == ()
    assert sampling.judge_links({"none": 19}).findings == ()
    [trouble] = sampling.judge_links({"sale": 94, "none": 6}).findings
    assert "6 of the newest 100 answers" in trouble.found


def test_the_sample_is_bounded_however_many_partitions_there_are() -> None:
    assert sampling.records_each(8) == sampling.OF_A_PARTITION
    assert 2 * 1024 * sampling.records_each(1024) <= 20_000
