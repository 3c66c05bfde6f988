"""What is published arrives once, under its key, where Kafka's partitioner puts it; what is not delivered is told."""

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from posventa import Attribution, Feedback, InvalidValue, Publisher, Reversal, Sale, Unavailable
from schemas.codec import OF_BY_SALE, decode_of_feedback, decode_of_sales, decode_one_of
from streams.brokers.creation import ensure_topics
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import BY_SALE, FEEDBACK, SALES
from streams.embedded.kafka import EmbeddedKafka
from streams.settings import Settings
from tests.engines.publishing.conftest import Tail
from tests.pure.schemas.test_codec import A_SALE, AN_ANSWER
from tests.support.places import ROOT
from tests.support.strategies import mapping

GUIDE = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")


def run_publish(broker: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "from streams.cli.main import main; main()", "publish", *arguments]
    environment = os.environ | {"POSVENTA_KAFKA": broker}
    return subprocess.run(
        command, input=stdin, env=environment, cwd=ROOT, capture_output=True, timeout=120, check=False
    )


def test_events_arrive_under_their_customer_s_key_on_its_partition(broker: str, tail: Tail) -> None:
    sales = [A_SALE._replace(event_id=f"e{n}", customer_id=f"é{n}") for n in range(50)]
    with Publisher(bootstrap_servers=broker) as publisher:
        for sale in sales:
            assert publisher.publish(sale) == sale
        publisher.publish(AN_ANSWER._asdict())
    records = tail.read()
    assert sorted(decode_of_sales(r.value) for r in records if r.topic == SALES) == sorted(sales)
    assert [decode_of_feedback(r.value) for r in records if r.topic == FEEDBACK] == [AN_ANSWER]
    for record in records:
        event = (decode_of_sales if record.topic == SALES else decode_of_feedback)(record.value)
        assert record.key == f"{event.brand_id}:{event.customer_id}".encode()
        assert record.partition == partition_for(record.key, 8)


def test_a_bad_event_is_refused_before_anything_is_sent(broker: str, tail: Tail) -> None:
    with Publisher(bootstrap_servers=broker) as publisher:
        for bad in (A_SALE._replace(currency="eur"), AN_ANSWER._replace(score=11), {"event_id": "e"}):
            with pytest.raises(InvalidValue):
                publisher.publish(bad)
        with pytest.raises(InvalidValue, match="floats are not exact"):
            publisher.sale(**(mapping(A_SALE) | {"amount": 1.5}))
    assert tail.read() == []


def test_what_is_not_delivered_is_counted_and_told_once(tmp_path: Path) -> None:
    own = EmbeddedKafka(tmp_path)
    own.start()
    try:
        ensure_topics(Settings(kafka=own.bootstrap))
        publisher = Publisher(bootstrap_servers=own.bootstrap, delivery_s=3)
        publisher.publish(A_SALE)
        publisher.flush()
    finally:
        own.stop()
    for _ in range(7):
        publisher.publish(A_SALE)
    with pytest.raises(Unavailable, match="7 events were not delivered"):
        publisher.flush()
    publisher.close()


def test_the_command_refuses_bad_lines_by_number_and_publishes_the_rest(broker: str, tail: Tail) -> None:
    good = json.dumps(mapping(A_SALE))
    lines = [good, "{", good.replace('"12.5000"', "12.5"), good]
    done = run_publish(broker, "--topic", "sales", "-", "--json", stdin="\n".join(lines).encode())
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert (summary["published"], summary["refused"]) == (2, 2)
    assert [line.split(":")[0] for line in done.stderr.decode().splitlines()] == ["line 2 refused", "line 3 refused"]
    assert [decode_of_sales(record.value) for record in tail.read()] == [A_SALE, A_SALE]


def test_the_command_publishes_a_file_and_says_how_fast(broker: str, tail: Tail, tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    file.write_text(json.dumps(AN_ANSWER._asdict() | {"findings": []}) + "\n")
    done = run_publish(broker, "--topic", "feedback", str(file))
    assert done.returncode == 0, done.stderr
    assert re.search(r"published 1 events in [0-9.]+ s \([0-9,]+ events/s\)", done.stdout.decode())
    assert done.stderr == b""  # the progress bar is for terminals
    assert [decode_of_feedback(record.value) for record in tail.read()] == [AN_ANSWER._replace(findings=())]


def test_who_knows_no_customer_publishes_by_sale(broker: str, tail: Tail) -> None:
    bare = {"event_id": "e", "brand_id": "b", "sale_id": "ü1", "occurred_at": A_SALE.occurred_at}
    back = bare | {"reversal_id": "r", "kind": "REFUND", "amount": "1.50", "currency": "EUR"}
    answer = bare | {"feedback_id": "f", "action": "ANSWERED"}
    for topic, fields in (("reversals", back), ("attributions", bare), ("feedback", answer)):
        lines = [
            json.dumps(fields),
            json.dumps(fields | {"customer_id": "c1"}),
            json.dumps(fields | {"customer_id": ""}),
        ]
        done = run_publish(broker, "--topic", topic, "-", stdin="\n".join(lines).encode())
        assert done.returncode == 1
        assert done.stderr.decode().splitlines() == [
            "line 3 refused: customer_id: found '', expected null for what is absent, never ''"
        ]
        named, by_sale = sorted(tail.read()[-2:], key=lambda record: record.topic, reverse=True)
        assert (by_sale.topic, by_sale.key) == (BY_SALE, "b:ü1".encode())
        assert (named.topic, named.key) == (FEEDBACK if topic == "feedback" else SALES, b"b:c1")
        assert by_sale.partition == partition_for(by_sale.key, 8)
        tail.begin = tail.consumer.end_offsets(list(tail.begin))


@pytest.mark.parametrize(
    "arguments",
    [[], ["x.jsonl"], ["--topic", "sales"], ["--topic", "returns", "-"], ["--topic", "sales", "nowhere.jsonl"],
     ["--olist", "nowhere"], ["--shift-to-now", "--topic", "sales", "-"], ["--olist", ".", "--topic", "sales", "-"]],
)  # fmt: skip
def test_misuse_says_so_with_exit_code_2(broker: str, arguments: list[str]) -> None:
    done = run_publish(broker, *arguments)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_another_number_of_partitions_than_the_topics_have_is_misuse(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSVENTA_PARTITIONS", "4")
    done = run_publish(broker, "--topic", "sales", "-")
    assert done.returncode == 2
    assert b"POSVENTA_PARTITIONS=4, but " in done.stderr


def test_the_guide_s_python_runs_and_its_dump_is_what_it_sends(
    broker: str, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    python, dump, second = (
        _block(GUIDE, after)
        for after in ("A test runs this block", "A test decodes this dump", "A test decodes this second dump")
    )
    monkeypatch.setenv("POSVENTA_KAFKA", broker)
    exec(compile(python, "docs/publishing.md", "exec"), {})  # noqa: S102 - our own documentation
    refund, attribution, answer, sale = sorted(tail.read(), key=lambda r: (r.topic, r.value))
    assert sale.value == bytes.fromhex("".join(line[:42] for line in dump.splitlines()))
    assert sale.key == b"acme:cust-7"
    assert sale.partition == 4
    sold, said = decode_of_sales(sale.value), decode_of_feedback(answer.value)
    assert isinstance(sold, Sale)
    assert isinstance(said, Feedback)
    assert sold.amount == Decimal("49.90") * 10_000
    assert len(said.findings) == 2
    assert refund.value == bytes.fromhex("".join(line[:42] for line in second.splitlines()))
    assert (refund.key, refund.partition) == (attribution.key, attribution.partition) == (b"acme:order-42", 6)
    back, who = decode_one_of(refund.value, OF_BY_SALE), decode_one_of(attribution.value, OF_BY_SALE)
    assert isinstance(back, Reversal)
    assert isinstance(who, Attribution)
    assert (back.customer_id, back.reversal_id, back.amount) == (None, "re_9", 9_9000)
    assert (who.customer_id, who.affiliate_id, who.commission, who.currency) == (None, "aff-3", 4_9900, "EUR")


def _block(text: str, after: str) -> str:
    found = re.search(r"```\w*\n(.*?)```", text[text.index(after) :], flags=re.DOTALL)
    assert found
    return found[1]
