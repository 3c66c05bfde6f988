"""A bad setting is refused by its name, with what was found and what to use."""

import pytest

from schemas.validation import MONEY_MAX
from streams.domain.rules import Rules
from streams.errors import Misuse
from streams.settings import load_settings


@pytest.mark.parametrize(
    ("variable", "found", "wanted"),
    [
        ("POSVENTA_PANE", "7m", "a pane must divide an hour; use 1m, 5m, 10m, 15m, 30m, 60m"),
        ("POSVENTA_ATTRIBUTION_WINDOW", "90", "a number and a unit, such as 5m, 24h or 90d"),
        ("POSVENTA_KAFKA_SECURITY_PROTOCOL", "TLS", "'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'"),
        ("POSVENTA_SCHEMA_REGISTRY", "http://registry:8081", "leave it empty and use Avro single-object encoding"),
        ("POSVENTA_PARTITIONS", "0", "greater than or equal to 1"),
        ("POSVENTA_FLUSH_MS", "soon", "a valid integer"),
        ("POSVENTA_CUSTOMER_EVENTS_MAX", "20001", "less than or equal to 20000"),
    ],
)
def test_a_bad_setting_is_named_with_what_to_use(
    monkeypatch: pytest.MonkeyPatch, variable: str, found: str, wanted: str
) -> None:
    monkeypatch.setenv(variable, found)
    with pytest.raises(Misuse) as refused:
        load_settings()
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{variable}={found}: ")
    assert wanted in line


def test_all_bad_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSVENTA_PANE", "7m")
    monkeypatch.setenv("POSVENTA_FLUSH_ROWS", "0")
    with pytest.raises(Misuse) as refused:
        load_settings()
    assert {line.partition("=")[0] for line in str(refused.value).splitlines()} == {
        "POSVENTA_PANE",
        "POSVENTA_FLUSH_ROWS",
    }


def test_no_secret_shows_in_settings_or_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSVENTA_CLICKHOUSE", "http://ana:hush-1@127.0.0.1:8123")
    monkeypatch.setenv("POSVENTA_KAFKA_SECURITY_PASSWORD", "hush-2")
    assert "hush" not in repr(load_settings())
    monkeypatch.setenv("POSVENTA_PANE", "7m")
    with pytest.raises(Misuse) as refused:
        load_settings()
    assert "hush" not in str(refused.value)


def test_no_setting_lets_the_refunds_of_a_sale_grow_beyond_what_a_column_holds() -> None:
    assert Rules(customer_events_max=20_000).customer_reversals_max * MONEY_MAX < 1 << 63
