"""From a state that a released version left behind to one of this version, by rebuild, while events go on coming."""

import asyncio
import json
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import msgpack
import pytest

from schemas.codec import decode_of_feedback, decode_of_sales, encode
from schemas.errors import Refused
from schemas.events import Event, record_key
from schemas.measures import MEASURES
from sinks.client import connect
from sinks.tables import JOURNEYS
from streams.brokers.topics import FEEDBACK, SALES, Names
from streams.changelog import records as of_changelog
from streams.domain.rules import Rules
from streams.domain.state import FORMAT
from streams.embedded.kafka import EmbeddedKafka
from streams.embedded.password import as_writer, found_password
from streams.publishing.publisher import topic_of
from streams.rebuild import closing
from streams.settings import Settings
from tests.engines.embedded.test_up import PARTITIONS, Up
from tests.engines.rebuild.test_rebuild import done, rebuilding, settle
from tests.engines.recount.test_verify import newest, verdict
from tests.kept.state import Kept, put, read
from tests.support.comparison import differences
from tests.support.engines import Engines, engines, producing
from tests.support.processes import until
from tests.support.tricky import tricky_events

pytestmark = pytest.mark.timeout(1200)

LAST: Final = "0.1"
# What 0.2 counts otherwise: money given back in another currency than the sale's, and a customer referred by themselves.
COUNTED_OTHERWISE: Final = {
    "refunded", "charged_back", "commission_reversed", "referred_sales", "referred_gross"
}  # fmt: skip
_NEVER_SET: Final = frozenset({"generation", "version"})


def of_another_format(kept: Kept) -> Kept:
    """As it is, once this version has another format; until then its META says so."""
    changelog = [
        [[o, key, _older(key, value), headers] for o, key, value, headers in found] for found in kept.records[_STATE]
    ]
    return replace(kept, records=kept.records | {_STATE: changelog})


_STATE: Final = "posventa.state.v1"


def _older(key: bytes, value: bytes) -> bytes:
    if key != of_changelog.META:
        return value
    ground, *rest = msgpack.unpackb(value, use_list=False)
    fields = dict(ground)
    if fields["format"] == FORMAT:
        fields["format"] = FORMAT - 1
    packed: bytes = msgpack.packb((sorted(fields.items()), *rest))
    return packed


def shown(running: Engines, table: str, columns: list[str]) -> list[Any]:
    """The rows of the generation in use, of the brands that the kept events are of."""
    sql = (
        f"SELECT {', '.join(columns)} FROM {table} FINAL WHERE generation = "
        "(SELECT greatest(1, max(generation)) FROM generations) AND brand_id != 'new' ORDER BY ALL"
    )
    return running.query(sql)


def test_the_state_of_the_last_release_is_upgraded_while_events_go_on_coming(tmp_path: Path) -> None:
    kept = of_another_format(read(LAST))
    known = {name for line in kept.rows["journeys"].splitlines()[:1] for name in json.loads(line)} - _NEVER_SET
    journeys = [column for column in JOURNEYS.columns if column in known - COUNTED_OTHERWISE]
    panes = ["brand_id", "affiliate_id", "currency", "bucket", "source_partition"]
    sums = [
        measure
        for measure in MEASURES
        if measure in json.loads(kept.rows["affiliate_panes"].splitlines()[0]).keys() - COUNTED_OTHERWISE
    ]
    live = [replace_brand(event) for event in tricky_events(61, 100, newest())]
    with engines(tmp_path) as running:
        put(kept, running.kafka.bootstrap, running.clickhouse.url)
        before = [shown(running, "journeys", journeys), shown(running, "affiliate_panes", panes + sums)]
        assert all(before)
        running.start_worker(0)
        refused = running.workers[0]
        assert refused.wait(120) == 1  # this version does not go on with it, and says what to do
        assert "say posventa rebuild" in (tmp_path / "worker-0.log").read_text()

        publishing = threading.Thread(target=lambda: running.publish(live))
        publishing.start()
        process = rebuilding(running)
        plan = done(process)
        publishing.join()
        assert plan["before"]["format"] != plan["after"]["format"] == FORMAT
        running.start_worker(0)
        settle(running, running.offsets())
        assert shown(running, "journeys", journeys) == before[0]
        assert zeros_left_out(shown(running, "affiliate_panes", panes + sums)) == zeros_left_out(before[1])
        assert differences(running.clickhouse.url, [*accepted(kept), *live], Rules()) == []
        code, after = verdict(running)
        assert (code, after["differences"]) == (0, [])


def accepted(kept: Kept) -> list[Event]:
    """The events among the records that were kept."""
    found = []
    for topic, read_one in ((SALES, decode_of_sales), (FEEDBACK, decode_of_feedback)):
        for _, _, value, _ in chain.from_iterable(kept.records[topic]):
            with suppress(Refused):
                found += [] if value is None else [read_one(value)]
    return found


def replace_brand(event: Any) -> Any:
    """Events of another brand, so that they change nothing of what was kept."""
    return event._replace(brand_id="new")


def zeros_left_out(panes: list[Any]) -> list[Any]:
    """A pane that came and went is there as zeros, or not at all: that depends on the order of arrival."""
    return [row for row in panes if any(row[5:])]


def test_a_dry_run_says_what_another_format_means_and_changes_nothing(tmp_path: Path) -> None:
    with engines(tmp_path) as running:
        put(of_another_format(read(LAST)), running.kafka.bootstrap, running.clickhouse.url)
        plan = done(rebuilding(running, "--dry-run"))
        assert (plan["generation"], plan["before"]["format"] < FORMAT, plan["after"]["format"]) == (2, True, FORMAT)
        tables = running.query("SELECT name FROM system.tables WHERE database = 'posventa'")
        assert ("generation_steps",) not in tables


def test_up_on_a_directory_of_an_older_version_makes_the_numbers_anew_and_goes_on(tmp_path: Path) -> None:
    events = tricky_events(71, 30, newest())
    directory = tmp_path / "up"
    first = Up(directory)
    with producing(first.ready["kafka"]) as producer:
        for event in events:
            producer.send(topic_of(event), encode(event), key=record_key(event))
    until(lambda: applied(first) >= len(events), 240)
    before = kept_panes(first)
    assert first.end(signal.SIGTERM) == 0

    kafka = EmbeddedKafka(directory / "kafka")
    kafka.start()
    try:
        make_older(Settings(kafka=kafka.bootstrap))
    finally:
        kafka.stop()
    second = Up(directory)
    try:
        assert "of an older version" in second.messages.read_text()
        assert generations(second) == 2
        assert kept_panes(second) == before
    finally:
        assert second.end(signal.SIGTERM) == 0


def make_older(settings: Settings) -> None:
    """Each META says that another format made it, as an older version would have left it."""

    async def change() -> None:
        for number in range(PARTITIONS):
            await closing._one(settings, Names(1), number, lambda raw: _older(of_changelog.META, raw))

    asyncio.run(change())


def asked(running: Up, sql: str) -> list[Any]:
    password = found_password(Path(running.ready["directory"]))
    assert password
    client = connect(as_writer(running.ready["clickhouse"], password))
    try:
        return list(client.query(sql).result_rows)
    finally:
        client.close()


def applied(running: Up) -> int:
    return int(asked(running, "SELECT sum(applied_offset) FROM freshness FINAL")[0][0])


def generations(running: Up) -> int:
    return int(asked(running, "SELECT max(generation) FROM generations")[0][0])


def kept_panes(running: Up) -> list[Any]:
    return asked(running, "SELECT * FROM affiliate_series ORDER BY ALL")
