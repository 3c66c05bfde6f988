"""On the real engines: a customer who has all that one may have is refused at no cost to the others of their partition.

What it costs is told by what was written, which no other load of the machine changes.
"""

from pathlib import Path

from schemas.errors import CustomerFull
from schemas.events import Sale, partition_key
from streams.brokers.partitioner import partition_for
from streams.brokers.topics import DEAD_LETTERS, STATE
from streams.changelog import records
from streams.domain.fold import fold
from streams.domain.rules import CUSTOMER_BYTES_MAX, Rules
from streams.domain.state import Customer, encode
from tests.support.domain_strategies import A_SALE
from tests.support.engines import PARTITIONS, Engines, engines, read_all
from tests.support.wide import hot_sales

HOT = hot_sales(2_000)
HOT_KEY = partition_key(HOT[0].brand_id, HOT[0].customer_id)
MORE = 500  # for the customer who is full
OTHERS = 100  # in each half
A_REFUSAL_BYTES_MAX = 8_000  # a key of 2 kB in its record's key and value, a detail, framing
LETTERS_A_BATCH_MIN = 10  # each of 6 kB; a unit of 500 records may fill three batches
HEAD_BYTES, LENGTH, ATTRIBUTES, CONTROL = 12, slice(8, 12), 22, 1 << 5  # of a batch (Kafka protocol, record batch)


def test_a_full_customer_is_refused_and_nothing_of_them_is_written_again(tmp_path: Path) -> None:
    first, second = others(0), others(OTHERS)
    with engines(tmp_path) as running:
        running.start_worker(0)
        published = running.publish(mixed(HOT, first))
        running.settle(published)
        taken = how_many_fit(HOT)
        assert customers(running) == {HOT[0].customer_id: taken} | {sale.customer_id: 1 for sale in first}
        written = writes_of_the_hot_one(running)
        assert written == sorted(written)
        assert written[-1] <= CUSTOMER_BYTES_MAX
        bytes_before = changelog_bytes(running)

        again = [sale._replace(sale_id=f"{n}", event_id=f"{n}") for n, sale in enumerate(HOT[:MORE])]
        published += running.publish(mixed(again, second))
        running.settle(published)
        assert writes_of_the_hot_one(running) == written
        assert changelog_bytes(running) - bytes_before < (MORE + 4 * OTHERS) * A_REFUSAL_BYTES_MAX
        assert customers(running) == {HOT[0].customer_id: taken} | {sale.customer_id: 1 for sale in first + second}
        refused = running.query("SELECT reason, count() FROM dead_letters FINAL GROUP BY reason")
        assert refused == [("customer_full", len(HOT) - taken + MORE)]
        assert LETTERS_A_BATCH_MIN * letter_batches(running) < len(HOT) - taken + MORE


def others(start: int) -> list[Sale]:
    """A sale each of other customers in the same partition."""
    home = partition_for(HOT_KEY, PARTITIONS)
    names = (f"c{start}-{n}" for n in range(100 * OTHERS))
    found = [name for name in names if partition_for(partition_key(A_SALE.brand_id, name), PARTITIONS) == home]
    return [
        A_SALE._replace(event_id=name, sale_id=name, customer_id=name, occurred_at=1_750_000_000_000)
        for name in found[:OTHERS]
    ]


def mixed(hot: list[Sale], cold: list[Sale]) -> list[Sale]:
    """The cold ones spread evenly among the hot ones."""
    share = len(hot) // len(cold)
    return [sale for n, one in enumerate(cold) for sale in (*hot[n * share : (n + 1) * share], one)]


def how_many_fit(sales: list[Sale]) -> int:
    """By folding one after the other."""
    customer, refused = Customer(sales[0].brand_id, sales[0].customer_id), 0
    customer.packed_bytes = len(encode(customer))
    for sale in sales:
        try:
            fold(customer, sale, Rules())
        except CustomerFull:
            refused += 1
    return len(sales) - refused


def customers(running: Engines) -> dict[str, int]:
    """How many sales each has."""
    return dict(running.query("SELECT customer_id, count() FROM journey GROUP BY customer_id"))


def writes_of_the_hot_one(running: Engines) -> list[int]:
    """How long the customer's state was each time it was packed and written."""
    key = records.customer_key(HOT_KEY)
    return [len(record.value) for record in read_all(running.kafka.bootstrap, STATE) if record.key == key]


def letter_batches(running: Engines) -> int:
    """In how many batches the dead letters were written; the marks of transactions do not count."""
    count = 0
    for log in (running.directory / "kafka" / "data").glob(f"{DEAD_LETTERS}-*/*.log"):
        rest = memoryview(log.read_bytes())
        while rest:
            count += not rest[ATTRIBUTES] & CONTROL
            rest = rest[HEAD_BYTES + int.from_bytes(rest[LENGTH], "big") :]
    return count


def changelog_bytes(running: Engines) -> int:
    """All that was ever written to it: so little is not compacted."""
    return sum(log.stat().st_size for log in (running.directory / "kafka" / "data").glob(f"{STATE}-*/*.log"))
