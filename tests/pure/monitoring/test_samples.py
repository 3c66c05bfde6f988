"""What a look becomes: each number under its name, and nothing where nothing is known."""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streams.brokers.lag import Lag
from streams.monitoring import catalogue
from streams.monitoring.look import Look, Member, OfClickHouse, OfKafka, samples
from streams.monitoring.monitor import Monitor

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MEMBER = Member("10.0.0.7", "a-1", "faust")
KAFKA = OfKafka(
    "c", [Lag("t", 0, 9, 61.5, 40, 45, 54), Lag("t", 1, 0, 0.0, None, 0, 0)], 1, {("t", 0): MEMBER}
)  # fmt: skip
CLICKHOUSE = OfClickHouse(
    {("t", 0): {"status": "ok", "as_of": NOW, "complete_up_to": NOW}}, {"undecodable": 3, "invalid_value": 0}, 2
)


def look(kafka: OfKafka | None = KAFKA, clickhouse: OfClickHouse | None = CLICKHOUSE) -> Look:
    return Look(kafka, clickhouse, NOW.timestamp(), 0.5)


def scraped(seen: Look) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """A whole scrape, read as Prometheus reads it: by name, by labels."""
    monitor, registry = Monitor(), CollectorRegistry()
    registry.register(monitor)
    monitor.last = seen
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(seen: Look, name: str, **labels: str) -> float | None:
    """The one number with these labels among others."""
    found = [n for held, n in scraped(seen).get(name, {}).items() if labels.items() <= dict(held).items()]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_full_look_shows_every_metric_of_the_catalogue_and_no_other() -> None:
    assert set(scraped(look())) == {metric.name for metric in catalogue.MONITORED}


def test_every_sample_has_the_labels_of_its_metric() -> None:
    for found in samples(look()):
        assert len(found.labels) == len(found.metric.labels), found


def test_lag_and_offsets_are_the_partitions() -> None:
    assert value(look(), "kafka_consumergroup_group_lag", topic="t", partition="0") == 9
    assert value(look(), "kafka_consumergroup_group_lag_seconds", topic="t", partition="0", group="posventa") == 61.5
    assert value(look(), "kafka_consumergroup_group_lag", partition="0", member_host="10.0.0.7", client_id="faust") == 9
    assert value(look(), "kafka_partition_latest_offset", topic="t", partition="0", cluster_name="c") == 54
    assert value(look(), "posventa_trimmed_records", topic="t", partition="0") == 5


def test_the_group_is_that_of_the_generation_in_use() -> None:
    second = look(OfKafka(KAFKA.cluster, KAFKA.lags, 1, {}, "posventa-g2"))
    assert value(second, "posventa_group_members", group="posventa-g2") == 1
    assert value(second, "kafka_consumergroup_group_lag", group="posventa-g2", partition="0") == 9


def test_a_group_that_never_told_an_offset_has_none() -> None:
    assert value(look(), "kafka_consumergroup_group_offset", partition="0") == 40
    assert value(look(), "kafka_consumergroup_group_offset", partition="1") is None
    assert value(look(), "kafka_consumergroup_group_lag", partition="1") == 0


def test_a_partition_has_one_status() -> None:
    statuses = {
        dict(held)["status"]: number
        for held, number in scraped(look())["posventa_status"].items()
        if dict(held)["partition"] == "0"
    }
    assert statuses == {"idle": 0, "ok": 0, "behind": 1, "stalled": 0, "no worker": 0}
    assert value(look(), "posventa_status", partition="1", status="no worker") == 1


def test_what_clickhouse_alone_knows_is_absent_while_it_is_away() -> None:
    away = look(clickhouse=None)
    assert not scraped(away).keys() & {
        "posventa_status", "posventa_complete_up_to_timestamp_seconds", "posventa_dead_letters_total",
        "posventa_generation",
    }  # fmt: skip
    assert value(away, "kafka_consumergroup_group_lag", partition="0") == 9
    assert value(away, "posventa_reached", server="clickhouse") == 0
    assert value(away, "posventa_reached", server="kafka") == 1


def test_what_kafka_alone_knows_is_absent_while_it_is_away() -> None:
    away = look(kafka=None)
    assert not [name for name in scraped(away) if name.startswith("kafka_")]
    assert "posventa_status" not in scraped(away)
    assert value(away, "posventa_complete_up_to_timestamp_seconds", partition="0") == NOW.timestamp()
    assert value(away, "posventa_reached", server="kafka") == 0


def test_who_may_not_read_the_base_tables_sees_no_refusals_rather_than_none() -> None:
    assert value(look(), "posventa_dead_letters_total", reason="undecodable") == 3
    assert value(look(), "posventa_dead_letters_total", reason="invalid_value") == 0
    limited = look(clickhouse=OfClickHouse(CLICKHOUSE.reports))
    assert not scraped(limited).keys() & {"posventa_dead_letters_total", "posventa_generation"}


def test_before_the_first_look_there_is_nothing() -> None:
    assert list(Monitor().collect()) == []
