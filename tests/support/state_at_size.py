"""What a partition's state costs at size: `python -m tests.support.state_at_size [customers]`, one million by default.

Fills the changelog with customers of one sale each, on a Kafka of its own, then claims all partitions with the local copies
and without them. Prints seconds, CPU seconds, memory, and bytes a customer.
"""

import asyncio
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from streams.brokers.creation import ensure_topics
from streams.brokers.topics import STATE
from streams.changelog import records
from streams.domain import state
from streams.embedded.kafka import EmbeddedKafka
from streams.partition.cluster import Cluster, look_at
from streams.partition.partition import Partition
from streams.settings import Settings
from streams.timing import Timing
from streams.unit.unit import Unit

UNIT = 5_000


def customer(number: int) -> tuple[bytes, bytes]:
    """A customer of one sale: key and value in the changelog."""
    found = state.Customer(f"brand-{number % 5}", f"{random.Random(number).getrandbits(128):032x}")
    head = state.SaleHead(
        0, f"s{number}-p", 0, f"affiliate-{number % 200:03}", f"product-{number % 500}", 0, 123_4500, 12_3450, "EUR",
        f"campaign-{number % 20}", "", 1_750_000_000_000 + number, "", (),
    )  # fmt: skip
    found.sales[f"s{number}"] = state.SaleState(head, None, {})
    key = f"{found.brand_id}:{found.customer_id}".encode()
    return records.customer_key(key), state.encode(found)


async def fill(settings: Settings, cluster: Cluster, customers: int) -> None:
    """Writes the customers, each partition its share."""
    share = customers // settings.partitions
    for number in range(settings.partitions):
        partition = Partition(settings, Timing(), cluster, number)
        claimed = await partition.claim(None)
        for start in range(number * share, (number + 1) * share, UNIT):
            unit = Unit(claimed.meta.version)
            unit.changed = dict(customer(n) for n in range(start, min(start + UNIT, (number + 1) * share)))
            await claimed.commit(unit, claimed.meta)
        await partition.close()


async def claim(settings: Settings, cluster: Cluster) -> str:
    """Claims all partitions at once, as a worker does; says what that cost."""
    partitions = [Partition(settings, Timing(), cluster, number) for number in range(settings.partitions)]
    begun, cpu_begun = time.monotonic(), time.process_time()
    claims = await asyncio.gather(*(partition.claim(None) for partition in partitions))
    spent, cpu_s = time.monotonic() - begun, time.process_time() - cpu_begun
    read = sum(claimed.recovered_records for claimed in claims)
    for partition in partitions:
        await partition.close()
    return f"{spent:.1f} s, {cpu_s:.1f} s of CPU, {read} records read, {peak_mb()} MB at most"


def peak_mb() -> int:
    """The most memory that this process ever had resident."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def size_of(directory: Path, pattern: str) -> int:
    """Bytes of the files in it."""
    return sum(file.stat().st_size for file in directory.glob(pattern))


def main(customers: int) -> None:
    """Prints what it finds."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        broker = EmbeddedKafka(directory / "kafka")
        broker.start()
        try:
            settings = Settings(kafka=broker.bootstrap, state_dir=str(directory / "kept"))
            ensure_topics(settings)
            cluster = look_at(settings)
            asyncio.run(fill(settings, cluster, customers))
            print(f"with local files: {asyncio.run(claim(settings, cluster))}")
            lost = settings.model_copy(update={"state_dir": str(directory / "lost")})
            print(f"without: {asyncio.run(claim(lost, cluster))}")
        finally:
            broker.stop()
        changelog = size_of(directory / "kafka" / "data", f"{STATE}-*/*.log") / customers
        local = size_of(directory / "kept", "*/*") / customers
        print(f"bytes a customer: {changelog:.0f} in the changelog, {local:.0f} in the local files")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
