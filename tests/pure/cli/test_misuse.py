"""No misuse ends in a traceback: the line says what was found and what to do, shows no secret, and the exit code tells."""

import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cli import report
from streams.cli.input_lines import input_lines
from streams.cli.main import COMMANDS
from streams.embedded.child import free_port
from streams.errors import Misuse
from streams.publishing.olist import read_olist
from streams.settings import Settings, load_settings
from tests.pure.publishing.test_olist import FILES
from tests.support.command_line import Ended, run
from tests.support.examples import examples
from tests.support.processes import POSVENTA

SECRET = "s3cr3t"  # noqa: S105 - which no message may show
TLS = {"POSVENTA_KAFKA_SECURITY_PROTOCOL": "SSL"}
CA, CERT = "POSVENTA_KAFKA_SECURITY_CA_FILE", "POSVENTA_KAFKA_SECURITY_CERT_FILE"


def url(rest: str) -> dict[str, str]:
    return {"POSVENTA_CLICKHOUSE": f"http://ana:{SECRET}{rest}"}


def refused(ended: Ended, code: int, *words: str) -> None:
    """What holds of every misuse."""
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    assert SECRET not in ended.err + ended.out
    assert ended.out == ""
    assert all(word in ended.err for word in words), ended.err
    assert all(line.isprintable() for line in ended.err.splitlines())


@pytest.mark.parametrize(
    ("command", "environment", "words"),
    [
        ("report", url("#x@h:8123"), "POSVENTA_CLICKHOUSE: "),
        ("lag", url("/x@h:8123"), "write %23 for #"),
        ("migrate", url("?x@h:8123"), "POSVENTA_CLICKHOUSE: "),
        ("report", url("@h:abc"), "expected a host and a port"),
        ("report", url("@h:99999"), "from 1 to 65535"),
        ("report", url("@[::1"), "expected a host"),
        ("worker", {"POSVENTA_CLICKHOUSE": f"tcp://ana:{SECRET}@h:9000"}, "neither http nor https"),
        ("lag", {"POSVENTA_KAFKA": "h:abc"}, "POSVENTA_KAFKA=h:abc: expected comma-separated host:port"),
        ("worker", {"POSVENTA_KAFKA": f"ana:{SECRET}@h:9092"}, "POSVENTA_KAFKA: expected"),
        ("lag", {"POSVENTA_PARTITIONS": "0"}, "POSVENTA_PARTITIONS=0"),
        ("worker", {"POSVENTA_REFUSE_DAMAGED": "sales:3"}, "POSVENTA_REFUSE_DAMAGED=sales:3: expected"),
        ("worker", {"POSVENTA_SESSION_TIMEOUT": "soon"}, "POSVENTA_SESSION_TIMEOUT=soon: expected"),
        ("report", {"POSVENTA_PANE": "\x1b[2J"}, "POSVENTA_PANE=\\x1b[2J"),
        ("migrate", {"POSVENTA_FLUSH_ROWS": "\udcff"}, "POSVENTA_FLUSH_ROWS=\\udcff"),
        ("up", {"POSVENTA_UNIT_RECORDS_MAX": "9" * 5000}, "POSVENTA_UNIT_RECORDS_MAX"),
        ("lag", TLS | {CA: "nowhere.pem"}, f"{CA}=nowhere.pem: No such file"),
        ("lag", TLS | {CA: __file__}, "expected a PEM file of certificates"),
        ("lag", TLS | {CA: "/"}, "Is a directory"),
        ("lag", TLS | {CERT: __file__}, f"{CERT}={__file__}"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_misuse(command: str, environment: dict[str, str], words: str) -> None:
    refused(run([command], environment), 2, words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "--at", "0001-01-01T00:00:00+05:00"], "not a time from 2000 to 2105"),
        (["report", "--at", "9999-12-31T23:59:59-05:00"], "not a time from 2000 to 2105"),
        (["report", "--at", "1969-12-31"], "not a time from 2000 to 2105"),
        (["report", "--at", "\u202e2026"], "--at \\u202e2026: not a time"),
        (["report", "--brand", "\udcff"], "--brand"),
        (["report", "--lang", "fr"], "use one of en, es"),
        (["publish", "--topic", "sales", "nowhere.jsonl"], "nowhere.jsonl: No such file"),
        (["publish", "--topic", "sales", "/"], "/: Is a directory"),
        (["publish", "--olist", "nowhere"], "--olist takes the directory"),
        (["publish", "--topic", "sales"], "use: posventa publish"),
        (["up", "--kafka-port", "47001", "--web-port", "47001"], "--kafka-port 47001: --web-port is 47001 too"),
        (["up", "--http-port", "65536"], "--http-port"),
        (["up", "--workers", "-1"], "--workers"),
        (["demo", "--seconds", "0"], "--seconds"),
        (["reprot"], "No such command"),
        (["lag", "--jason"], "No such option"),
        (["migrate", "now"], "unexpected extra argument"),
    ],
)
def test_arguments_that_cannot_be_are_misuse(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run(arguments), 2, words)


@pytest.mark.parametrize("arguments", [["publish", "--topic", "sales", "-"], ["read", "-"], ["read"]])
def test_a_closed_standard_input_is_misuse(arguments: list[str]) -> None:
    with patch.object(sys, "stdin", None):
        refused(run(arguments), 2, "standard input is closed")


def test_a_file_that_cannot_be_read_to_its_end_is_misuse() -> None:
    with (
        input_lines("/proc/self/mem", "publish") as lines,
        pytest.raises(Misuse, match="/proc/self/mem: Input/output error"),
    ):
        list(lines)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("orders", "id,when\n", "olist_orders_dataset.csv: .* columns order_id, customer_id"),
        ("order_items", FILES["order_items"].replace("price", "cost"), "columns price"),
        ("order_items", FILES["order_items"].replace("39.95", "much"), "not the Olist files as published"),
        ("order_reviews", FILES["order_reviews"].replace("r1,o1,4", "r1,o1,good"), "not the Olist files as published"),
        ("orders", FILES["orders"] + "o1,k1\n", "not the Olist files as published"),
        ("customers", "", "columns customer_id"),
    ],
)
def test_files_that_are_not_olist_s_are_misuse_before_anything_is_published(
    name: str, text: str, words: str, tmp_path: Path
) -> None:
    for whole, content in FILES.items():
        (tmp_path / f"olist_{whole}_dataset.csv").write_text(text if whole == name else content)
    with pytest.raises(Misuse, match=words):
        read_olist(tmp_path)
    refused(run(["publish", "--olist", str(tmp_path)]), 2, str(tmp_path))


@pytest.mark.parametrize("arguments", [["--help"], ["report", "--help"], ["--version"]])
def test_a_full_disk_under_standard_output_is_told(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([POSVENTA, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "posventa: No space left on device\n")


def test_who_reads_no_further_gets_no_message() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run([POSVENTA, "--help"], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_fault_of_ours_is_one_line_without_secrets_and_the_place_for_who_asks() -> None:
    def fails(_: str | None) -> str:
        raise ZeroDivisionError(f"h#sh and h%23sh of {os.environ['POSVENTA_CLICKHOUSE']}, {SECRET}")

    environment = {"POSVENTA_CLICKHOUSE": "https://ana:h%23sh@h:1", "POSVENTA_KAFKA_SECURITY_PASSWORD": SECRET}
    with patch.object(report, "language_of", fails):
        plain, asked = run(["report"], environment), run(["report"], environment | {"POSVENTA_TRACEBACK": "1"})
    refused(
        plain, 1, "posventa: ZeroDivisionError: *** and *** of ***, ***", "please report it", "POSVENTA_TRACEBACK=1"
    )
    assert "Traceback" in asked.err
    assert plain.err in asked.err
    assert not any(secret in asked.err for secret in ("h#sh", "h%23sh", SECRET))


# What a hand may type or leave out, and bytes that are no text.
WORDS = st.sampled_from(
    [*COMMANDS, "--json", "--help", "--at", "--brand", "--affiliate", "--lang", "--dir", "--topic", "--olist",
     "--workers", "--kafka-port", "--seconds", "--seed", "--shift-to-now", "sales", "feedback", "es", "-", "--",
     "2026-01-31", "0", "-1"]
)  # fmt: skip
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=[]), max_size=20).filter(
    lambda text: all("\udc80" <= c <= "\udcff" for c in text if "\ud800" <= c <= "\udfff")  # as Python reads bytes
)
VALUES = TEXT | st.sampled_from(["", "0", "1", "-1", "1d", "5m", "SSL", "SASL_SSL", "/", "/dev/null", "nowhere", "h:1"])
VARIABLES = st.dictionaries(
    st.sampled_from([f"POSVENTA_{name.upper()}" for name in Settings.model_fields]), VALUES, max_size=6
)
URLS = st.tuples(st.sampled_from(["http://", "https://", "", "ftp://"]), TEXT, TEXT, TEXT).map(
    lambda parts: f"{parts[0]}{parts[1]}:{SECRET}{parts[2]}@{parts[3]}"
)


@examples(200)
@given(st.lists(WORDS | TEXT, max_size=6), VARIABLES)
def test_no_arguments_end_in_a_traceback(arguments: list[str], variables: dict[str, str]) -> None:
    with patch.object(sys, "stdin", TextIOWrapper(BytesIO())):
        ended = run(arguments, {**variables, "POSVENTA_PANE": "7m"})  # so that nothing is started
    assert ended.code in (0, 2), ended.err
    assert "Traceback" not in ended.err
    # what these do without a server: read nothing, and list what is shipped
    assert ended.code or "Usage" in ended.out or {"read", "shapes"} & set(arguments)


@examples(200)
@given(VARIABLES, URLS, st.sampled_from(["POSVENTA_CLICKHOUSE", "POSVENTA_KAFKA", "POSVENTA_SCHEMA_REGISTRY"]))
def test_no_variables_end_in_another_error_than_misuse_and_no_message_shows_a_secret(
    variables: dict[str, str], address: str, setting: str
) -> None:
    with patch.dict(os.environ, {**variables, setting: address, "POSVENTA_KAFKA_SECURITY_PASSWORD": SECRET}):
        try:
            told = repr(load_settings())
        except Misuse as misuse:
            told = str(misuse)
    assert SECRET not in told


@examples(50)
@given(TEXT, TEXT, TEXT)
def test_no_question_to_a_clickhouse_that_is_away_ends_in_a_traceback(brand: str, affiliate: str, at: str) -> None:
    nowhere = {"POSVENTA_CLICKHOUSE": f"http://127.0.0.1:{free_port()}"}
    refused(
        run(["report", "--brand", brand, "--affiliate", affiliate], nowhere), 1 if is_text(brand + affiliate) else 2
    )
    refused(run(["report", f"--at={at}"], nowhere), 2, "not a time")


def is_text(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)
