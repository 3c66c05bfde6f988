"""The topics as real brokers have them: made beforehand, they are inspected; a publisher needs no right but to publish."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from kafka.admin import ACLOperation, ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic, ResourceType

from schemas.codec import decode_of_sales
from streams.brokers.creation import ensure_topics, ensure_topics_to_publish
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, STATE
from streams.embedded.kafka import EmbeddedKafka
from streams.errors import Misuse, StateRefused
from streams.settings import Settings
from tests.pure.schemas.test_codec import A_SALE, AN_ANSWER
from tests.support.brokers import allow
from tests.support.engines import read_all
from tests.support.processes import POSVENTA, until
from tests.support.secured_kafka import PASSWORD, SecuredKafka, secured_kafka
from tests.support.strategies import mapping


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[tuple[KafkaAdminClient, Settings]]:
    """A broker without topics, and who may make them."""
    broker = EmbeddedKafka(tmp_path / "kafka")
    broker.start()
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        yield client, Settings(kafka=broker.bootstrap)
    finally:
        client.close()
        broker.stop()


def carry_out(client: KafkaAdminClient, told: str, kafka: str) -> None:
    """Does what the commands in a message would do."""
    commands = re.findall(
        r"kafka-configs.sh --bootstrap-server (\S+) --alter --topic (\S+) --add-config (\S+)=(\S+)$", told, re.MULTILINE
    )
    assert commands
    for server, topic, name, value in commands:
        assert server == kafka
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: value})])


def test_topics_made_with_kafkas_defaults_are_refused_or_warned_of_until_mended(
    admin: tuple[KafkaAdminClient, Settings],
) -> None:
    client, settings = admin
    client.create_topics([NewTopic(name, settings.partitions, 1) for name in (SALES, FEEDBACK, DEAD_LETTERS, STATE)])
    with pytest.raises(StateRefused) as refused:
        ensure_topics(settings)
    assert {line.partition(":")[0] for line in str(refused.value).splitlines()} == {SALES, FEEDBACK, STATE}
    carry_out(client, str(refused.value), settings.kafka)
    until(lambda: looked_at(settings) is not None)
    warnings = ensure_topics(settings)
    assert [re.match(r"(\S+): (\S+) is", warning).groups() for warning in warnings] == [  # type: ignore[union-attr]
        (SALES, "retention.ms"), (FEEDBACK, "retention.ms"), (DEAD_LETTERS, "retention.ms"),
        (STATE, "max.message.bytes"), (DEAD_LETTERS, "max.message.bytes"),
    ]  # fmt: skip
    carry_out(client, "\n".join(warnings), settings.kafka)
    until(lambda: looked_at(settings) == [])


def looked_at(settings: Settings) -> list[str] | None:
    """The warnings; None when refused. A changed configuration takes a moment to reach the broker."""
    with suppress(StateRefused):
        return ensure_topics(settings)
    return None


def test_what_we_create_needs_no_mending_and_another_count_is_a_wrong_setting(
    admin: tuple[KafkaAdminClient, Settings],
) -> None:
    client, settings = admin
    assert ensure_topics(settings) == ensure_topics(settings) == []
    with pytest.raises(Misuse, match=r"POSVENTA_PARTITIONS=4, but .* has 8"):
        ensure_topics(settings.model_copy(update={"partitions": 4}))
    client.delete_topics([DEAD_LETTERS])
    until(lambda: DEAD_LETTERS not in client.list_topics())
    with pytest.raises(Misuse, match=r"POSVENTA_PARTITIONS=4, but .* has 8"):
        ensure_topics(settings.model_copy(update={"partitions": 4}))
    assert DEAD_LETTERS not in client.list_topics()
    client.create_topics([NewTopic(DEAD_LETTERS, 4, 1)])
    with pytest.raises(StateRefused, match=f"equal partition counts, but .*{DEAD_LETTERS} has 4, "):
        ensure_topics(settings)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A broker with an authorizer, without topics."""
    with secured_kafka(tmp_path_factory.mktemp("guarded")) as found:
        yield found


def publish(guarded: SecuredKafka, topic: str, event: Mapping[str, object]) -> tuple[int, str]:
    """As eva, who may do nothing but what a test allows."""
    more = {
        "POSVENTA_KAFKA": guarded.doors["SASL_PLAINTEXT"], "POSVENTA_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "POSVENTA_KAFKA_SECURITY_SASL_MECHANISM": "PLAIN", "POSVENTA_KAFKA_SECURITY_USERNAME": "eva",
        "POSVENTA_KAFKA_SECURITY_PASSWORD": PASSWORD,
    }  # fmt: skip
    done = subprocess.run(
        [POSVENTA, "publish", "--topic", topic, "-", "--json"], input=json.dumps(event), env=os.environ | more,
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


def allow_eva(guarded: SecuredKafka, topic: str, *operations: ACLOperation) -> None:
    allow(guarded.doors["PLAINTEXT"], "eva", [(ResourceType.TOPIC, topic, operation) for operation in operations])


def topics_of(guarded: SecuredKafka) -> set[str]:
    client = KafkaAdminClient(bootstrap_servers=guarded.doors["PLAINTEXT"])
    try:
        return {name for name in client.list_topics() if name.startswith("posventa.")}
    finally:
        client.close()


def test_a_publisher_needs_no_right_but_to_write_to_its_topic(guarded: SecuredKafka) -> None:
    sale = mapping(A_SALE)
    allow_eva(guarded, SALES, ACLOperation.DESCRIBE)
    code, said = publish(guarded, "sales", sale)
    assert code == 1
    assert f"there is no {SALES}, or none that this user may see, who may not create it" in said

    ensure_topics(guarded.settings("PLAINTEXT"))
    code, said = publish(guarded, "sales", sale)
    assert code == 1
    assert "1 events were not delivered" in said
    assert "AuthorizationFailedError" in said  # of the cluster, for who may write to no topic at all

    allow_eva(guarded, SALES, ACLOperation.WRITE)
    assert publish(guarded, "sales", sale) == (0, "")
    assert [decode_of_sales(record.value) for record in read_all(guarded.doors["PLAINTEXT"], SALES)] == [A_SALE]


def test_a_publisher_need_not_know_the_number_of_partitions_but_may_not_be_wrong(
    admin: tuple[KafkaAdminClient, Settings],
) -> None:
    _, settings = admin
    ensure_topics(Settings(kafka=settings.kafka, partitions=3))
    ensure_topics_to_publish(settings, [SALES])
    with pytest.raises(Misuse, match=f"POSVENTA_PARTITIONS=8, but {SALES} has 3"):
        ensure_topics_to_publish(Settings(kafka=settings.kafka, partitions=8), [SALES])


def test_a_publisher_creates_the_topic_that_it_needs_and_no_other(guarded: SecuredKafka) -> None:
    client = KafkaAdminClient(bootstrap_servers=guarded.doors["PLAINTEXT"])
    try:
        client.delete_topics([name for name in client.list_topics() if name.startswith("posventa.")])
        until(lambda: not topics_of(guarded))
    finally:
        client.close()
    allow_eva(guarded, FEEDBACK, ACLOperation.CREATE, ACLOperation.WRITE)
    assert publish(guarded, "feedback", AN_ANSWER._asdict() | {"findings": []}) == (0, "")
    assert topics_of(guarded) == {FEEDBACK}
