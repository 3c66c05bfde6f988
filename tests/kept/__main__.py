"""Makes the kept state of the version that is checked out."""

import random
import sys
import tempfile
from pathlib import Path

from schemas.codec import encode
from schemas.events import record_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, FEEDBACK, SALES, STATE
from streams.publishing.publisher import topic_of
from tests.kept.state import take, write
from tests.support.engines import PARTITIONS, Engines, engines, producing
from tests.support.tricky import tricky_events

_CUSTOMERS = 60
_NEWEST_MS = 1_790_000_000_000  # 2026-09-21: whenever it is made, these are the events


def _publish(running: Engines) -> int:
    """Events, among them some on wrong partitions, records that are none, and tombstones. Returns how many offsets."""
    rng = random.Random(1)
    count = 0
    with producing(running.kafka.bootstrap) as producer:
        for number, event in enumerate(tricky_events(1, _CUSTOMERS, _NEWEST_MS)):
            topic, key = topic_of(event), record_key(event)
            home = partition_for(key, PARTITIONS)
            partition = rng.randrange(PARTITIONS) if number % 40 == 0 else home
            producer.send(topic, encode(event), key=key, partition=partition)
            count += 1 + (partition != home)
            if number % 60 == 0:
                producer.send(topic, b"no event", key=key, partition=home)
                producer.send(topic, None, key=key, partition=home)
                count += 2
    return count


def main() -> None:
    """`python -m tests.kept VERSION`."""
    with tempfile.TemporaryDirectory() as directory, engines(Path(directory)) as running:
        running.start_worker(0)
        running.settle(_publish(running))
        running.workers[0].terminate()
        running.workers[0].wait()
        kept = take(running.kafka.bootstrap, running.clickhouse.url, [SALES, FEEDBACK, DEAD_LETTERS, STATE])
        path = write(kept, sys.argv[1])
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
