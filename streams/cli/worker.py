"""posventa worker: one Faust worker against the configured Kafka and ClickHouse."""

from streams.settings import load_settings


def worker() -> None:
    """Run one worker until Ctrl-C or SIGTERM. Everything is configured by POSVENTA_* variables."""
    from streams.worker.app import run

    run(load_settings())
