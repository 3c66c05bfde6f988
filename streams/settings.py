"""All configuration: environment variables POSVENTA_*, read once into one frozen Settings, validated together.

Every field's description is its documentation; docs/reference/settings.md is tied to it by a test.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from streams.addresses import brokers, clickhouse_url, listening
from streams.errors import Misuse
from streams.visible import visible

TRACEBACK: Final = "POSVENTA_TRACEBACK"  # shows where an error came from
BESIDE: Final = (TRACEBACK, "POSVENTA_PLAIN")  # read before there are settings: by the command line, and by setup.py

_OF_SECURITY: Final = {
    "SASL": ("kafka_security_username", "kafka_security_password"),
    "SSL": ("kafka_security_ca_file", "kafka_security_cert_file", "kafka_security_key_file"),
}
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PLACES_MAX: Final = 1000
_PANES = ("1m", "5m", "10m", "15m", "30m", "60m")


def _seconds(text: object) -> int:
    match = re.fullmatch(r"(\d+)([smhd])", str(text))
    if not match:
        raise ValueError("expected a number and a unit, such as 5m, 24h or 90d")
    return int(match[1]) * _UNITS_S[match[2]]


def in_units(seconds: int) -> str:
    """A duration as it is typed: the greatest unit that needs no fraction."""
    unit = next(unit for unit in "dhms" if seconds % _UNITS_S[unit] == 0)
    return f"{seconds // _UNITS_S[unit]}{unit}"


def _between(shortest: str, longest: str) -> Callable[[int], int]:
    def check(seconds: int) -> int:
        if not _seconds(shortest) <= seconds <= _seconds(longest):
            raise ValueError(f"use {shortest} to {longest}")
        return seconds

    return check


def _pane(text: object) -> int:
    if text not in _PANES:
        raise ValueError(f"a pane must divide an hour; use {', '.join(_PANES)}")
    return _seconds(text)


def _places(text: object) -> "Places":
    found = [part.strip() for part in str(text).split(",") if part.strip()]
    matches = [re.fullmatch(r"([\w.-]+):(\d{1,9}):(\d{1,18})", part, re.ASCII) for part in found]
    if len(found) > _PLACES_MAX or not all(matches):
        raise ValueError(f"expected at most {_PLACES_MAX} of topic:partition:offset, as the message names the batch")
    return tuple((match[1], int(match[2]), int(match[3])) for match in matches if match)


def _not_supported_yet(text: str) -> str:
    if text:
        raise ValueError("a schema registry is not supported yet; leave it empty and use Avro single-object encoding")
    return text


def _clickhouse(url: SecretStr) -> SecretStr:
    clickhouse_url(url.get_secret_value())
    return url


def _listen(text: str) -> str:
    if text:
        listening(text)
    return text


_WINDOW: Final = _between("1m", "3650d")

Places = tuple[tuple[str, int, int], ...]
Duration = Annotated[int, BeforeValidator(_seconds)]
Pane = Annotated[int, BeforeValidator(_pane)]


class Settings(BaseSettings):
    """The settings of every command. Durations are held in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="POSVENTA_", frozen=True, extra="ignore", validate_default=True, hide_input_in_errors=True
    )

    kafka: Annotated[str, AfterValidator(brokers)] = Field(
        "127.0.0.1:9092", description="Kafka bootstrap servers, comma-separated host:port"
    )
    kafka_replication: int = Field(
        1, ge=1, le=9, description="replication of the topics we create; 3 sets min ISR 2; 1 to 9"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how to talk to the brokers"
    )
    kafka_security_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, for the SASL protocols"
    )
    kafka_security_username: str = Field("", description="SASL user name")
    kafka_security_password: SecretStr = Field(SecretStr(""), description="SASL password; never logged")
    kafka_security_ca_file: str = Field("", description="PEM file of the CA that signed the brokers' certificates")
    kafka_security_cert_file: str = Field("", description="PEM file of our client certificate, for mutual TLS")
    kafka_security_key_file: str = Field("", description="PEM file of our client key, for mutual TLS")
    clickhouse: Annotated[SecretStr, AfterValidator(_clickhouse)] = Field(
        SecretStr("http://127.0.0.1:8123"),
        description="ClickHouse over HTTP: http(s)://user:password@host:port, special characters of user and password "
        "percent-encoded (%23 for #); the database is always posventa",
    )
    schema_registry: Annotated[str, AfterValidator(_not_supported_yet)] = Field(
        "", description="URL of a Confluent Schema Registry: not supported yet, so it must be empty"
    )
    pseudonym_key: SecretStr = Field(
        SecretStr(""),
        description="the key with which addresses become pseudonyms, the same for every source of a brand; never logged",
    )
    pseudonym_key_file: str = Field("", description="a file with that key, instead of the variable")
    pseudonym_mark: str = Field(
        ".posventa/pseudonym-key.mark",
        min_length=1,
        description="the file that remembers which key was used, so that another one is refused; it does not hold the key",
    )
    partitions: int = Field(
        8,
        ge=1,
        le=1024,
        description="partitions of the topics we create; later `posventa rebuild --partitions` adds some; 1 to 1024",
    )
    pane: Pane = Field("5m", description=f"width of a pane: {', '.join(_PANES)}")  # type: ignore[assignment]
    attribution_window: Annotated[Duration, AfterValidator(_WINDOW)] = Field(
        "90d", description="how long after a sale feedback without sale_id may link to it; 1m to 3650d"
    )  # type: ignore[assignment]
    # At most as many as let no sum of one sale's refunds (4 times as many, 10^14 ten-thousandths each) grow beyond an
    # Int64.
    customer_events_max: int = Field(
        2000, ge=1, le=20_000, description="sales, and feedbacks, one customer may have; 1 to 20000"
    )
    state_dir: str = Field(
        ".posventa/state", min_length=1, description="where a worker keeps its local copy of the state"
    )
    # Brokers take 6 s to 30 m unless they were set otherwise; the partitions of a worker that died wait so long.
    session_timeout: Annotated[Duration, AfterValidator(_between("6s", "5m"))] = Field(
        "10s", description="Kafka group session timeout of a worker; 6s to 5m"
    )  # type: ignore[assignment]
    refuse_damaged: Annotated[Places, NoDecode, BeforeValidator(_places)] = Field(
        "",  # type: ignore[arg-type]
        description="damaged batches in Kafka that are given up, comma-separated topic:partition:offset; each is a refusal",
    )
    poll_records_max: int = Field(16_000, ge=1, le=100_000, description="records one poll may bring; 1 to 100000")
    unit_records_max: int = Field(
        8000, ge=1, le=100_000, description="records one unit (Kafka transaction) may hold; 1 to 100000"
    )
    # At most what ClickHouse takes as one block, all or none (max_insert_block_size).
    flush_rows: int = Field(50_000, ge=1, le=1_000_000, description="flush to ClickHouse at so many rows; 1 to 1000000")
    # Four times as many may wait in a worker's memory.
    flush_bytes: int = Field(
        16_000_000, ge=1, le=100_000_000,
        description="flush to ClickHouse at so many bytes of rows; 1 to 100000000",
    )  # fmt: skip
    flush_ms: int = Field(
        250, ge=1, le=5000, description="flush to ClickHouse at the latest after so many milliseconds; 1 to 5000"
    )

    metrics_listen: Annotated[str, AfterValidator(_listen)] = Field(
        "",
        description="host:port at which a worker serves its metrics for Prometheus, such as 127.0.0.1:9465; 0.0.0.0 for all of "
        "the machine's addresses; empty: nowhere. `posventa up` gives its workers this port and those after it",
    )

    log: Literal["text", "json"] = Field(
        "text",
        description="how a worker and `posventa monitor` write their log: text for people, or json, an object a line with "
        "topic, partition and offset where a line is about one",
    )

    @model_validator(mode="after")
    def _security_is_of_one_kind(self) -> Self:
        """Half of a security is none: what was meant to protect would be left out without a word."""
        if wrong := list(self._unfitting()):
            raise ValueError("\n".join(wrong))
        return self

    def _unfitting(self) -> Iterator[str]:
        chosen = f"{variable('kafka_security_protocol')}={self.kafka_security_protocol}"
        for kind, names in _OF_SECURITY.items():
            for name in names:
                is_set, is_used = bool(getattr(self, name)), kind in self.kafka_security_protocol
                if is_set and not is_used:
                    yield f"{variable(name)} is set, and {chosen} does not use it: choose one with {kind}, or unset it"
                elif is_used and not is_set and kind == "SASL":
                    yield f"{variable(name)} is not set, and {chosen} needs it"
        if self.kafka_security_key_file and not self.kafka_security_cert_file:
            key, cert = variable("kafka_security_key_file"), variable("kafka_security_cert_file")
            yield f"{key} is set without {cert}: set both"


def as_pane(option: str, text: str | None) -> int | None:
    """Seconds, of an option. Raises Misuse."""
    return None if text is None else _of_option(option, text, _pane)


def as_window(option: str, text: str | None) -> int | None:
    """Seconds, of an option. Raises Misuse."""
    return None if text is None else _of_option(option, text, lambda found: _WINDOW(_seconds(found)))


def _of_option(option: str, text: str, read: Callable[[object], int]) -> int:
    try:
        return read(text)
    except ValueError as error:
        raise Misuse(f"{option}={visible(text)}: {error}") from None


def load_settings(**fixed: Any) -> Settings:
    """Reads the environment, but for what is `fixed`. Raises Misuse naming each bad variable, what was found and what to
    use."""
    try:
        return Settings(**fixed)
    except ValidationError as error:
        raise Misuse("\n".join(_told(found) for found in error.errors())) from None


def _told(error: Mapping[str, Any]) -> str:
    """One line. What was found is shown, unless it may hold a password."""
    expected = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:  # of several settings together
        return expected
    name, found = str(error["loc"][0]), visible(str(error["input"]))
    is_secret = Settings.model_fields[name].annotation is SecretStr or "@" in found
    return f"{variable(name)}{'' if is_secret else f'={found}'}: {expected}"


def variable(name: str) -> str:
    """The variable of a setting."""
    return f"POSVENTA_{name.upper()}"


def without_secrets(text: str) -> str:
    """The text with the passwords of the environment blotted out, whoever wrote them there."""
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets() -> set[str]:
    """What the settings hide, as it stands and as a library may have read it."""
    names = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
    found = {os.environ.get(variable(name), "") for name in names}
    found |= {url.partition("://")[2].rpartition("@")[0].partition(":")[2] for url in found}
    return {form for secret in found for form in (secret, unquote(secret)) if form}
