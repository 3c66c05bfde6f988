"""The questions that ops ask of the base tables: how many refusals there are, and which generation the views show.

Needs a user that may read them: the pipeline's, or one with the rights of ops.
"""

from clickhouse_connect.driver.client import Client

from sinks.errors import sink_errors

_CURRENT = "(SELECT greatest(1, max(g.generation)) FROM generations AS g)"


def refusals(client: Client) -> dict[str, int]:
    """Refused records by reason, each once. Raises SinkError."""
    with sink_errors("counting the refusals"):
        found = client.query(
            f"SELECT d.reason, count() FROM dead_letters AS d FINAL WHERE d.generation = {_CURRENT} GROUP BY d.reason"  # noqa: S608
        )
    return {str(reason): int(count) for reason, count in found.result_rows}


def generation(client: Client) -> int:
    """The generation that the views show. Raises SinkError."""
    with sink_errors("reading the generation"):
        return int(client.query(f"SELECT {_CURRENT}").result_rows[0][0])
