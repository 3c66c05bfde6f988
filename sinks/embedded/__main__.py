"""`python -m sinks.embedded --dir D --port P`: the embedded ClickHouse of directory D, on loopback, until SIGTERM.

CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, when set, are what clients must say.
"""

import argparse
import os
import sys
from pathlib import Path

from aiohttp import web


def main() -> int:
    """Exits 0 after SIGTERM or SIGINT, once running queries have ended; 2 when the directory can't be opened."""
    options = argparse.ArgumentParser(prog="python -m sinks.embedded", description=__doc__)
    options.add_argument("--dir", type=Path, required=True, help="the engine's directory; one process may use it")
    options.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    chosen = options.parse_args()

    os.umask(0o077)  # rows hold ids and comments
    directory: Path = chosen.dir
    directory.mkdir(parents=True, exist_ok=True)
    scratch = directory / "scratch"
    os.environ["TMPDIR"] = str(scratch)  # the engine reads it when it is loaded, so before these imports
    from sinks.embedded.engine import Engine
    from sinks.embedded.front import Front

    try:
        engine = Engine(directory / "data", scratch)
    except RuntimeError as error:
        print(f"cannot open {directory}: {error} Does another process use it?", file=sys.stderr)
        return 2
    user, password = os.environ.get("CLICKHOUSE_USER") or "default", os.environ.get("CLICKHOUSE_PASSWORD", "")
    front = Front(engine, user, password)
    web.run_app(
        front.application(), host="127.0.0.1", port=chosen.port, print=None, access_log=None,
        shutdown_timeout=5, handler_cancellation=False, auto_decompress=False,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
