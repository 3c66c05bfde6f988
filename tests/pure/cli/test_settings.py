"""A bad setting is refused by its name, with what was found and what to use."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import SecretStr, ValidationError

from posventa import Publisher
from schemas.validation import MONEY_MAX
from streams.cli.doubts import doubts
from streams.domain.rules import Rules
from streams.embedded.stack import Stack
from streams.errors import Misuse
from streams.settings import Settings, load_settings
from tests.support.command_line import run


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
        ("POSVENTA_SESSION_TIMEOUT", "1d", "use 6s to 5m"),
        ("POSVENTA_SESSION_TIMEOUT", "0s", "use 6s to 5m"),
        ("POSVENTA_ATTRIBUTION_WINDOW", "0s", "use 1m to 3650d"),
        ("POSVENTA_FLUSH_ROWS", "1000001", "less than or equal to 1000000"),
        ("POSVENTA_STATE_DIR", "", "at least 1 character"),
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
    monkeypatch.setenv("POSVENTA_KAFKA_SECURITY_USERNAME", "ana")
    monkeypatch.setenv("POSVENTA_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    assert "hush" not in repr(load_settings())
    monkeypatch.setenv("POSVENTA_PANE", "7m")
    with pytest.raises(Misuse) as refused:
        load_settings()
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://ana:hush#x@h:8123", "http://ana:hush/x@h:8123", "http://ana:hush?x@h:8123", "http://ana:8123#hush@h",
        "http://ana:hush%x@h:8123", "http://ana:hush x@h:8123", "http://ana:hush\tx@h:8123", "http://ana:huésh@h:8123",
        "http://ana:hush@h:abc", "http://ana:hush@h:99999", "http://ana:hush@h:0", "http://ana:hush@[::1",
        "http://ana:hush@[::z]:1", "http://ana:hush@[1:2]:1", "http://ana:hush@h/posventa", "http://ana:hush@h?a=1",
        "http://ana:hush@", "ftp://ana:hush@h:1", "ana:hush@h:8123", "h:8123", "http://", "", "http://h\\hush",
    ],
)  # fmt: skip
def test_an_address_of_clickhouse_that_is_none_is_refused_without_showing_any_of_it(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("POSVENTA_CLICKHOUSE", url)
    with pytest.raises(Misuse) as refused:
        load_settings()
    assert re.match(r"POSVENTA_CLICKHOUSE: .*expected .*http\(s\)://user:password@host:port", str(refused.value))
    assert not {"hush", "8123#", "abc", "posventa"} & set(re.split(r"\b", str(refused.value)))
    with pytest.raises(ValidationError) as library:
        Settings(clickhouse=SecretStr(url))
    assert "hush" not in str(library.value)


@pytest.mark.parametrize(
    ("url", "host", "password"),
    [
        ("https://ana:h%23%2F%3F%40%25@example.org", "example.org", "h#/?@%"),
        ("http://ana:a@b:c@h_1:8123/", "h_1", "a@b:c"),
        ("HTTP://[::1]:8123", "::1", None),
    ],
)
def test_a_password_of_any_characters_can_be_given(
    monkeypatch: pytest.MonkeyPatch, url: str, host: str, password: str | None
) -> None:
    monkeypatch.setenv("POSVENTA_CLICKHOUSE", url)
    parts = urlsplit(load_settings().clickhouse.get_secret_value())
    assert (parts.hostname, parts.password and unquote(parts.password)) == (host, password)


@pytest.mark.parametrize(
    "servers",
    [
        "h:abc", "h", "h:0", "h:65536", "kafka://h:9092", "ana:hush@h:9092", "h:9092,", "", "::1:9092", "h:9092/x",
        "h o:1",
    ],
)  # fmt: skip
def test_bootstrap_servers_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, servers: str) -> None:
    monkeypatch.setenv("POSVENTA_KAFKA", servers)
    with pytest.raises(Misuse, match=r"^POSVENTA_KAFKA.*expected comma-separated host:port") as refused:
        load_settings()
    assert "hush" not in str(refused.value)
    monkeypatch.delenv("POSVENTA_KAFKA")
    if servers:
        with pytest.raises(Misuse, match=r"^bootstrap_servers: expected comma-separated host:port"):
            Publisher(bootstrap_servers=servers)


@pytest.mark.parametrize("servers", ["h:9092", "kafka-1.example.org:9092, kafka_2:9093", "[::1]:9092,10.0.0.1:1"])
def test_bootstrap_servers_may_be_several(monkeypatch: pytest.MonkeyPatch, servers: str) -> None:
    monkeypatch.setenv("POSVENTA_KAFKA", servers)
    assert load_settings().kafka == servers


SECURITY = "POSVENTA_KAFKA_SECURITY_"


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ({"PASSWORD": "hush"}, ["PASSWORD is set, and ", "PROTOCOL=PLAINTEXT does not use it: choose one with SASL"]),
        ({"USERNAME": "ana", "PROTOCOL": "SSL"}, ["USERNAME is set, and ", "PROTOCOL=SSL does not use it"]),
        ({"CA_FILE": "ca.pem"}, ["CA_FILE is set, and ", "choose one with SSL"]),
        ({"PROTOCOL": "SASL_SSL"}, ["USERNAME is not set, and ", "PASSWORD is not set, and "]),
        ({"PROTOCOL": "SASL_PLAINTEXT", "USERNAME": "ana", "PASSWORD": "hush", "CERT_FILE": "c"}, ["CERT_FILE is set"]),
        ({"PROTOCOL": "SSL", "KEY_FILE": "k"}, ["KEY_FILE is set without ", "CERT_FILE: set both"]),
    ],
)
def test_half_of_a_security_is_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], lines: list[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(SECURITY + name, value)
    with pytest.raises(Misuse) as refused:
        load_settings()
    assert all(line in str(refused.value) for line in lines)
    assert all(line.startswith(SECURITY) for line in str(refused.value).splitlines())
    assert "hush" not in str(refused.value)


def test_a_whole_security_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {
        "PROTOCOL": "SASL_SSL",
        "USERNAME": "ana",
        "PASSWORD": "hush",
        "CA_FILE": "ca.pem",
        "CERT_FILE": "both.pem",
    }
    for name, value in whole.items():
        monkeypatch.setenv(SECURITY + name, value)
    assert load_settings().kafka_security_username == "ana"


def test_a_stack_of_one_machine_has_no_security_whatever_the_variables_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{SECURITY}PASSWORD", "hush")
    monkeypatch.setenv("POSVENTA_KAFKA", "elsewhere:9092")
    stack = Stack(tmp_path)
    assert stack.settings.kafka == stack.addresses.kafka
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings() == stack.settings


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (
            {f"{SECURITY}PASWORD": "hush"},
            [f"{SECURITY}PASWORD is no setting and does nothing; is it {SECURITY}PASSWORD?"],
        ),
        ({"posventa_kafak": "h"}, ["posventa_kafak is no setting and does nothing; is it POSVENTA_KAFKA?"]),
        ({"POSVENTA_XYZZY_QUUX": ""}, ["POSVENTA_XYZZY_QUUX is no setting and does nothing"]),
        (
            {"POSVENTA_CLICKHOUSE": "http://ana:hush@h:8123"},
            ["POSVENTA_CLICKHOUSE sends its password to another machine"],
        ),
        ({"POSVENTA_CLICKHOUSE": "http://ana:hush@127.0.0.1:8123"}, []),
        ({"POSVENTA_CLICKHOUSE": "https://ana:hush@h:8443", "POSVENTA_PLAIN": "1", "POSVENTA_TRACEBACK": "1"}, []),
        ({"POSVENTA_CLICKHOUSE": "http://ana:hush@[::1"}, ["POSVENTA_CLICKHOUSE sends"]),
        ({"posventa_pane": "5m", "PATH": "/bin"}, []),
    ],
)
def test_what_is_hardly_meant_is_told_once_and_shows_no_value(environment: dict[str, str], told: list[str]) -> None:
    found = list(doubts(environment))
    assert [line[: len(start)] for line, start in zip(found, told, strict=True)] == told
    assert "hush" not in str(found)
    assert run(["lag", "--help"], environment).err.count("posventa: ") == len(told)


def test_a_password_in_the_wrong_setting_is_not_shown_and_nothing_that_moves_the_terminal_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POSVENTA_SCHEMA_REGISTRY", "http://ana:hush@registry:8081")
    monkeypatch.setenv("POSVENTA_PANE", "\x1b[2J\u202e7m")
    with pytest.raises(Misuse) as refused:
        load_settings()
    assert "hush" not in str(refused.value)
    assert "POSVENTA_PANE=\\x1b[2J\\u202e7m: " in str(refused.value)


def test_no_setting_lets_the_refunds_of_a_sale_grow_beyond_what_a_column_holds() -> None:
    assert Rules(customer_events_max=20_000).customer_reversals_max * MONEY_MAX < 1 << 63
