"""The embedded broker: its data outlives it, and it makes no topic that nobody asked for."""

from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from streams.embedded.kafka import EmbeddedKafka, broker_answers


def test_records_outlive_a_kill_and_a_stop(tmp_path: Path) -> None:
    for number in range(3):
        broker = EmbeddedKafka(tmp_path)
        broker.start()
        try:
            if number == 0:
                admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
                admin.create_topics([NewTopic("t", 1, 1)])
                admin.close()
            producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
            producer.send("t", b"x").get(20)
            producer.close()
            consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap)
            assert consumer.end_offsets([TopicPartition("t", 0)])[TopicPartition("t", 0)] == number + 1
            consumer.close()
        finally:
            broker.kill() if number == 0 else broker.stop()
        assert not broker_answers(broker.bootstrap)


def test_a_topic_nobody_made_does_not_come_by_itself(kafka: str) -> None:
    consumer = KafkaConsumer("never-made", bootstrap_servers=kafka)
    consumer.poll(500)
    assert "never-made" not in consumer.topics()
    consumer.close()
