"""posventa worker: one Faust worker against the configured Kafka and ClickHouse."""

from streams.settings import load_settings


def worker() -> None:
    """Run one worker until Ctrl-C or SIGTERM. Everything is configured by POSVENTA_* variables."""
    from streams.worker import run  # noqa: PLC0415 - Faust takes a second to import; the other commands need not wait

    run(load_settings())
