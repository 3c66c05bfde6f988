"""Where a result comes from: machine, versions, commit and date. No names of hosts or people."""

import os
import platform
import re
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench.throughput import PEERS_PYTHON
from streams.embedded.jars import KAFKA_VERSION

_PACKAGES: Final = (
    "faust-streaming", "aiokafka", "fastavro", "rocksdict", "clickhouse-connect", "chdb", "chdb-core",
)  # fmt: skip
_PEERS: Final = ("quixstreams", "pathway")
_ASK_VERSIONS: Final = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"


def origin() -> dict[str, Any]:
    """Of a result that is measured now."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": commit_of(Path(__file__).parent),
        "machine": f"{os.cpu_count()} cores of {_cpu()}, {_memory_gb():.0f} GB, {_kernel()}",
        "versions": {
            "CPython": platform.python_version(),
            "Apache Kafka": KAFKA_VERSION,
            **{package: version(package) for package in _PACKAGES},
            **_peers(),
        },
    }


def commit_of(directory: Path) -> str:
    """The commit a tree stands at, and whether its code is another by now."""
    commit = _output("git", "-C", str(directory), "rev-parse", "--short", "HEAD") or "unknown"
    dirty = _output("git", "-C", str(directory), "status", "--porcelain", "--untracked-files=no", "--", "*.py")
    return f"{commit} with uncommitted changes" if dirty else commit


def _peers() -> dict[str, str]:
    if not PEERS_PYTHON.exists():
        return {}
    return dict(zip(_PEERS, _output(str(PEERS_PYTHON), "-c", _ASK_VERSIONS, *_PEERS).split(), strict=False))


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - our own


def _kernel() -> str:
    return f"{platform.system()} {platform.release().partition('-')[0]}"


def _cpu() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
