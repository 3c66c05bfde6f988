"""On the real engines: bytes that changed on the broker's disk stop one partition, named by all who read, and nothing else."""

import json
import os
import re
import struct
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from schemas.events import Event, Feedback, record_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, SALES
from tests.support.engines import PARTITIONS, Engines, engines
from tests.support.processes import POSVENTA
from tests.support.tricky import tricky_events

HURT: Final = 3
# Of a batch, as Kafka keeps it: its first offset, and the length of what follows.
BASE, LENGTH = struct.Struct(">q"), struct.Struct(">i")
AFTER_LENGTH: Final = 12

pytestmark = pytest.mark.timeout(900)


def newest() -> int:
    return time.time_ns() // 1_000_000 - 3_600_000


def change_a_byte(running: Engines, topic: str, first: bool = False) -> tuple[Path, bytes, int]:
    """In the last batch of a partition, or in its first, while Kafka does not run. Returns the file, what was in it, and the
    batch's first offset."""
    segment = running.directory / "kafka" / "data" / f"{topic}-{HURT}" / f"{0:020}.log"
    log = segment.read_bytes()
    starts, at = [], 0
    while at < len(log):
        starts.append(at)
        at += AFTER_LENGTH + LENGTH.unpack_from(log, at + BASE.size)[0]
    start, end = (starts[0], starts[1]) if first else (starts[-1], len(log))
    changed = bytearray(log)
    changed[end - 5] ^= 0xFF
    segment.write_bytes(bytes(changed))
    return segment, log, BASE.unpack_from(log, start)[0]


def said(running: Engines, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | more | {
        "POSVENTA_KAFKA": running.kafka.bootstrap, "POSVENTA_CLICKHOUSE": running.clickhouse.url
    }  # fmt: skip
    return subprocess.run(
        [POSVENTA, *command], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_changed_bytes_stop_one_partition_that_everybody_names_until_they_are_mended(tmp_path: Path) -> None:
    events = tricky_events(21, 300, newest())
    third = len(events) // 3
    with engines(tmp_path) as running:
        running.start_worker(0)
        published = running.publish(events[:third])
        running.settle(published)
        worker = running.workers[0]
        worker.terminate()
        worker.wait()
        running.publish(events[third : 2 * third])
        running.kafka.stop()
        segment, sound, offset = change_a_byte(running, SALES)
        running.kafka.start()
        running.start_worker(0)
        pid = running.workers[0].pid
        running.publish(events[2 * third :])
        wanted = sum(not is_stopped(event) for event in events)
        running.wait_for(lambda: applied_elsewhere(running) >= wanted, "all other partitions to go on")
        place = f"{SALES}[{HURT}] offset {offset}: its bytes do not fit its checksum"
        running.wait_for(lambda: place in (tmp_path / "worker-0.log").read_text(), "the place to be named")
        running.wait_for(lambda: status(running) == "stalled", "its partition to be told")
        assert running.workers[0].pid == pid

        lag = said(running, "lag", "--json")
        assert (lag.returncode, "Traceback" in lag.stderr) == (1, False)
        [row] = [row for row in json.loads(lag.stdout) if (row["topic"], row["partition"]) == (SALES, HURT)]
        assert row["status"] == "stalled"

        running.kafka.stop()
        mended = sound + segment.read_bytes()[len(sound) :]
        segment.write_bytes(mended)
        running.kafka.start()
        running.settle(len(events))
        assert running.differences(events) == []


def test_a_batch_that_is_given_up_is_one_refusal_and_the_rest_is_counted(tmp_path: Path) -> None:
    events = tricky_events(22, 200, newest())
    half = len(events) // 2
    with engines(tmp_path) as running:
        running.publish(events[:half])
        running.kafka.stop()
        _, _, offset = change_a_byte(running, SALES)
        running.kafka.start()
        running.publish(events[half:])
        given_up = f"{SALES}:{HURT}:{offset}"
        running.start_worker(0, POSVENTA_REFUSE_DAMAGED=given_up)
        running.settle(len(events))
        [(topic, partition, reason, detail)] = running.query(
            "SELECT source_topic, source_partition, reason, detail FROM dead_letters FINAL"
        )
        assert (topic, partition, reason) == (SALES, HURT, "undecodable")
        last = int(re.search(rf"everything from offset {offset} to (\d+) stays there, unread", detail)[1])  # type: ignore[index]
        assert last >= offset
        for number in running.workers:
            running.workers[number].terminate()
            running.workers[number].wait()
        place = f"{SALES}[{HURT}] offset {offset}: its bytes do not fit its checksum"
        for command in (("verify", "--json"), ("doctor",)):
            told = said(running, *command)
            assert (told.returncode, "Traceback" in told.stderr) == (1, False)
            assert place in told.stderr + told.stdout
        told = said(running, "verify", "--json", POSVENTA_REFUSE_DAMAGED=given_up)
        assert (told.returncode, json.loads(told.stdout)["differences"]) == (0, []), told.stderr

        running.kafka.stop()
        _, _, offset = change_a_byte(running, DEAD_LETTERS, first=True)
        running.kafka.start()
        told = said(running, "dead-letters", "list")
        assert (told.returncode, "Traceback" in told.stderr) == (1, False)
        assert f"{DEAD_LETTERS}[{HURT}] offset {offset}: its bytes do not fit its checksum" in told.stderr


def is_stopped(event: Event) -> bool:
    """Whether it lies in the topic and partition that is hurt."""
    home = partition_for(record_key(event), PARTITIONS)
    return not isinstance(event, Feedback) and home == HURT


def applied_elsewhere(running: Engines) -> int:
    """The offsets that are applied of all other topics and partitions, feedback of the hurt one among them."""
    where = f"NOT (topic = '{SALES}' AND source_partition = {HURT})"
    return int(running.query(f"SELECT sum(applied_offset) FROM freshness FINAL WHERE {where}")[0][0])


def status(running: Engines) -> str:
    """Of the sales of the hurt partition."""
    sql = f"SELECT status FROM freshness_now WHERE topic = '{SALES}' AND partition = {HURT}"
    return str(running.query(sql)[0][0])
