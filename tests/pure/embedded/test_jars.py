"""Nothing runs as Kafka but the jars that were pinned, byte for byte; they are fetched once and whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.embedded.jars import KAFKA_VERSION, Jar, as_pinned, checked, kafka_jars_directory, pinned
from streams.errors import PosventaError

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing


def test_the_jars_directory_follows_xdg() -> None:
    assert kafka_jars_directory({}, Path("/h")) == Path(f"/h/.cache/posventa/kafka-{KAFKA_VERSION}")
    assert kafka_jars_directory({"XDG_CACHE_HOME": "/c"}, Path("/h")) == Path(f"/c/posventa/kafka-{KAFKA_VERSION}")


def test_the_jars_are_of_one_kafka_and_log_somewhere() -> None:
    jars = pinned()
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {KAFKA_VERSION}
    assert {"kafka_2.13", "kafka-clients", "log4j-core", "log4j-slf4j-impl"} <= {jar.artifact for jar in jars}
    assert len({jar.version for jar in jars if jar.artifact.startswith("log4j-")}) == 1
    assert len({jar.artifact for jar in jars}) == len(jars)  # a class path with two versions of one jar takes the first
    assert all(len(jar.sha256) == 64 for jar in jars)


def test_lz4_is_one_without_its_known_holes() -> None:
    """CVE-2025-12183 and CVE-2025-66566 are in every org.lz4:lz4-java, and in at.yawk.lz4:lz4-java before 1.10.1."""
    [lz4] = [jar for jar in pinned() if jar.artifact == "lz4-java"]
    assert lz4.group == "at.yawk.lz4"
    assert tuple(map(int, lz4.version.split("."))) >= (1, 10, 1)


def test_jars_that_are_missing_changed_or_too_many_are_named(tmp_path: Path) -> None:
    missing, *others = pinned()
    for jar in others:
        (tmp_path / jar.name).write_bytes(b"changed")
    (tmp_path / "more.jar").touch()
    with pytest.raises(PosventaError) as refused:
        checked(tmp_path)
    for name in (missing.name, "more.jar", *(jar.name for jar in others)):
        assert name in str(refused.value)
    assert "run `make setup`" in str(refused.value)


def test_what_was_fetched_is_the_pinned_file_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "fetched"
    path.touch()
    assert as_pinned(path, Jar("g", "a", "1", EMPTY)) == path
    path.write_bytes(b"something else")
    with pytest.raises(PosventaError, match=r"what was fetched as a-1.jar has SHA-256 .* nothing of it is kept"):
        as_pinned(path, Jar("g", "a", "1", EMPTY))


def test_no_network_for_the_jars_is_a_clear_error_and_leaves_nothing_half(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"  # the discard port: nothing listens
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment |= {"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "http_proxy": nowhere, "https_proxy": nowhere}
    environment |= {"NO_PROXY": "", "no_proxy": ""}
    command = [sys.executable, "-m", "streams.embedded.jars"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert f"cannot fetch Apache Kafka {KAFKA_VERSION} (lz4-java-1.10.1.jar) from Maven Central" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [path for path in (tmp_path / "cache" / "posventa").iterdir() if path.is_dir()]
