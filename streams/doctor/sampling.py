"""The newest records of the source topics, and what they say of who publishes: keys, partitions, schemas, sales they name.

Pure, but for the reading, which is bounded in records and in time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, Final

from schemas.codec import decode_of_feedback, decode_of_sales
from schemas.errors import Refused
from schemas.events import Event, Feedback, customer_of, record_key
from schemas.registry import BY_HEADER, HEADER_BYTES, SINGLE_OBJECT_MARKER
from streams.brokers.topics import FEEDBACK, SALES, SOURCES
from streams.doctor.telling import Seen, counted, error, seen, warning
from streams.generations.logs import SourceLayout

OF_A_PARTITION: Final = 300
_ALL_MAX: Final = 20_000  # with many partitions fewer of each
_ANSWERS_MAX: Final = 300  # that ClickHouse is asked of at once
_UNKNOWN_SALES_MAX: Final = 0.05  # of the answers that name a sale
_ANSWERS_MIN: Final = 20  # fewer say nothing of a share

_CONFLUENT: Final = b"\x00"
_DECODERS: Final[Mapping[str, Callable[[bytes], Event]]] = {SALES: decode_of_sales, FEEDBACK: decode_of_feedback}


def records_each(partitions: int) -> int:
    """How many records of each partition are looked at."""
    return max(1, min(OF_A_PARTITION, _ALL_MAX // (len(SOURCES) * max(1, partitions))))


def judge_damage(records: Sized, damaged: Iterable[str]) -> Seen:
    """Whether they can be read at all."""
    troubles = [
        error(found, "bytes as they were written", "docs/operating.md: a damaged batch; until then its partition waits")
        for found in damaged
    ]
    return seen(f"{len(records):,} records read", troubles)


def judge_keys(records: Iterable[Any], layout: SourceLayout) -> Seen:
    """Whether events come under their customer's key, and where Kafka's own partitioner put it when they were written."""
    count, wrong = 0, {topic: Counter[str]() for topic in SOURCES}
    for record, event in _events(records):
        count += 1
        key = record_key(event)
        if record.key is None:
            wrong[record.topic]["without a key"] += 1
        elif record.key != key:
            wrong[record.topic]["under another key"] += 1
        elif layout.home(key, record.topic, record.partition, record.offset) is None:
            wrong[record.topic]["on another partition than murmur2's"] += 1
    findings = [
        warning(
            f"{topic}: of {count:,} events looked at, {counted(found)}",
            "the key {brand_id}:{customer_id}, and the partition of Kafka's default partitioner (murmur2)",
            "workers publish them again where they belong, which doubles the work: mend the publisher "
            "(docs/publishing.md; in librdkafka partitioner=murmur2_random)",
        )
        for topic, found in wrong.items()
        if found
    ]
    return seen(f"{count:,} events", findings)


def judge_schemas(records: Iterable[Any]) -> Seen:
    """Which schemas the values were written with."""
    known: Counter[str] = Counter()
    unknown: dict[str, Counter[str]] = {topic: Counter() for topic in SOURCES}
    for record in records:
        if record.value is None:
            known["null values (ignored)"] += 1
            continue
        schema = BY_HEADER.get(record.value[:HEADER_BYTES])
        if schema is not None:
            known[f"{schema.full_name} v{schema.version}"] += 1
        else:
            unknown[record.topic][_framing(record.value)] += 1
    findings = [
        error(
            f"{topic}: {counted(found)}",
            "Avro single-object encoding, by a schema that is published in schemas/avro",
            "they are refused: install a version that knows the schema, or mend the publisher; then "
            "posventa dead-letters replay",
        )
        for topic, found in unknown.items()
        if found
    ]
    return seen(counted(known) or "no records", findings)


def answers_naming_a_sale(records: Iterable[Any]) -> list[tuple[str, str, str]]:
    """The newest answers that name a sale: (brand_id, customer_id, feedback_id)."""
    found = {
        (*customer_of(event), event.feedback_id): None
        for _, event in _events(records)
        if isinstance(event, Feedback)
        and event.action == "ANSWERED"
        and event.sale_id
        and event.customer_id is not None
    }
    return list(found)[-_ANSWERS_MAX:]


def judge_links(links: dict[str, int]) -> Seen:
    """Whether the sales that answers name are known."""
    answers, unknown = sum(links.values()), links.get("none", 0)
    findings = []
    if answers >= _ANSWERS_MIN and unknown > answers * _UNKNOWN_SALES_MAX:
        findings.append(
            warning(
                f"{unknown:,} of the newest {answers:,} answers that name a sale name one that is not there",
                f"at most {_UNKNOWN_SALES_MAX:.0%}",
                "they count as unlinked until the sale comes: see that sale_id and customer_id are the same in sales and "
                "feedback, and that sales are published",
            )
        )
    return seen(f"{answers - unknown:,} of {answers:,} answers name a known sale", findings)


def _events(records: Iterable[Any]) -> Iterator[tuple[Any, Event]]:
    for record in records:
        if record.value is not None:
            try:
                yield record, _DECODERS[record.topic](record.value)
            except Refused:
                continue


def _framing(value: bytes) -> str:
    if value.startswith(SINGLE_OBJECT_MARKER):
        return f"of the unknown schema {value[2:HEADER_BYTES].hex()}"
    if value.startswith(_CONFLUENT) and len(value) > len(_CONFLUENT) + 4:
        return "in Confluent's framing, for which there is no registry yet"
    return "without Avro's framing"
