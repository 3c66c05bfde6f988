"""How fast files in other people's shapes are published: `python -m bench.shapes [--rows N] [--rounds N]`.

Starts a Kafka of its own, and publishes made-up files with the command itself, each in a process on one core, in turn: a flat
CSV file, nested JSON documents of an order, and our own JSON Lines with the same sales. From the file's first byte to the last
acknowledgement; the start of Python is not in it. Prints the median of the rounds, and the command's peak memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from streams.embedded.kafka import EmbeddedKafka

_SAID: Final = ("--set", "brand_id=bench", "--set", "offering=PHYSICAL")
_COLUMNS: Final = {
    "sale_id": "order", "occurred_at": "at", "customer_id": "email", "amount": "total", "currency": "currency",
    "affiliate_id": "affiliate", "product_id": "sku",
}  # fmt: skip
_AT: Final = "2026-10-05T09:50:24+02:00"


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posventa-bench-") as name:
        directory = Path(name)
        kafka = EmbeddedKafka(directory / "kafka")
        kafka.start()
        try:
            _measure(kafka.bootstrap, directory, arguments.rows, arguments.rounds)
        finally:
            kafka.stop()


def _measure(bootstrap: str, directory: Path, rows: int, rounds: int) -> None:
    columns = [word for field, column in _COLUMNS.items() for word in ("--set", f"{field}=@{column}")]
    ways: dict[str, tuple[Callable[[Path, int], None], list[str]]] = {
        "flat CSV": (_flat, ["--as", "csv", *_SAID, *columns]),
        "nested JSON": (_nested, ["--as", "shopify-webhook", "--set", "brand_id=bench"]),
        "our JSON Lines": (_ours, ["--topic", "sales"]),
    }
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for way, (write, _) in ways.items():
        write(directory / way, rows)
    for _ in range(rounds):
        for way, (_, words) in ways.items():
            found[way].append(_publish(bootstrap, directory, [*words, str(directory / way)]))
    for way, measured in found.items():
        rates = sorted(one["events_per_second"] for one in measured)
        peak = max(one["peak_mb"] for one in measured)
        print(f"{way}: {median(rates):,.0f} rows/s (from {rates[0]:,} to {rates[-1]:,}), {rows:,} rows, {peak:,.0f} MB")


def _publish(bootstrap: str, directory: Path, words: list[str]) -> dict[str, Any]:
    code = (
        "import os, resource, sys; os.sched_setaffinity(0, {max(os.sched_getaffinity(0))});"
        "import atexit; atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr));"
        "from streams.cli.main import main; main()"
    )
    environment = os.environ | {
        "POSVENTA_KAFKA": bootstrap,
        "POSVENTA_PSEUDONYM_KEY": "the key of a bench, and of nothing else",
        "POSVENTA_PSEUDONYM_MARK": str(directory / "key.mark"),
    }
    command = [sys.executable, "-c", code, "publish", *words, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary | {"peak_mb": int(done.stderr.split()[-1]) / 1024}


def _flat(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        print("order,at,email,total,currency,affiliate,sku,note", file=file)
        for n in range(rows):
            print(f"{n},{_AT},c{n % 5_000}@example.com,77.75,EUR,ana,LAMP-{n % 50},leave it at the door", file=file)


def _nested(path: Path, rows: int) -> None:
    items = [{"id": n, "sku": f"LAMP-{n}", "price": "34.90", "requires_shipping": True} for n in range(2)]
    with path.open("w", encoding="utf-8") as file:
        for n in range(rows):
            order = {
                "id": n, "email": f"c{n % 5_000}@example.com", "created_at": _AT, "updated_at": _AT,
                "cancelled_at": None, "currency": "EUR", "financial_status": "paid", "test": False,
                "total_price": "77.75", "landing_site": "/lamps?ref=ana&utm_campaign=autumn",
                "landing_site_ref": "ana", "discount_codes": [],
                "note_attributes": [{"name": "ref", "value": "ana"}], "customer": {"id": n % 5_000},
                "line_items": items, "refunds": [],
            }  # fmt: skip
            print(json.dumps(order), file=file)


def _ours(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for n in range(rows):
            sale = {
                "event_id": f"e{n}", "brand_id": "bench", "customer_id": f"c{n % 5_000}", "sale_id": str(n),
                "action": "PLACED", "affiliate_id": "ana", "product_id": f"LAMP-{n % 50}", "offering": "PHYSICAL",
                "amount": "77.75", "currency": "EUR", "campaign": None, "referred_by": None, "occurred_at": _AT,
            }  # fmt: skip
            print(json.dumps(sale), file=file)


if __name__ == "__main__":
    main()
