"""`python -m sinks.embedded --dir D --port P`: the embedded ClickHouse of directory D, on loopback, until SIGTERM.

Anyone on this machine may read the views. CLICKHOUSE_PASSWORD is the password of the user posventa, who may write.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from aiohttp import web


def main() -> int:
    """Exits 0 after SIGTERM or SIGINT, once running queries have ended; 2 when the directory can't be opened."""
    options = argparse.ArgumentParser(prog="python -m sinks.embedded", description=__doc__)
    options.add_argument("--dir", type=Path, required=True, help="the engine's directory; one process may use it")
    options.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    chosen = options.parse_args()
    password = os.environ.pop("CLICKHOUSE_PASSWORD", "")
    if not password:
        print("CLICKHOUSE_PASSWORD is not set: without it nobody could write", file=sys.stderr)
        return 2

    os.umask(0o077)  # rows hold ids and comments
    directory: Path = chosen.dir.resolve()
    scratch = directory / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed process left
    scratch.mkdir(parents=True)
    # The engine reads both when it is loaded, so before these imports. UTC is what each answer's header says.
    os.environ |= {"TMPDIR": str(scratch), "TZ": "UTC"}
    from sinks.embedded.engine import Engine
    from sinks.embedded.front import Front

    try:
        engine = Engine(directory / "data")
    except (RuntimeError, OSError) as error:
        print(
            f"cannot open {directory}: {error} Does another process use it? If none does, a table in it can't be opened: "
            "move the directory away and start again; the workers then send all rows anew.",
            file=sys.stderr,
        )
        return 2
    web.run_app(
        Front(engine, password).application(), host="127.0.0.1", port=chosen.port, print=None, access_log=None,
        shutdown_timeout=5, handler_cancellation=True, auto_decompress=False,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
