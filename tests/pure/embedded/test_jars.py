"""Kafka's jars are fetched once and whole, into the place where caches are."""

import os
import subprocess
import sys
from pathlib import Path

from streams.embedded.jars import kafka_jars, kafka_jars_directory


def test_the_jars_directory_follows_xdg() -> None:
    assert kafka_jars_directory({}, Path("/h")) == Path("/h/.cache/posventa/kafka-4.1.1")
    assert kafka_jars_directory({"XDG_CACHE_HOME": "/c"}, Path("/h")) == Path("/c/posventa/kafka-4.1.1")


def test_the_jars_are_of_one_kafka_and_log_somewhere() -> None:
    names = {jar.name for jar in kafka_jars()}
    assert {"kafka_2.13-4.1.1.jar", "kafka-clients-4.1.1.jar", "log4j-slf4j-impl-2.24.3.jar"} <= names
    assert len({name for name in names if name.startswith("slf4j-api")}) == 1


def test_no_network_for_the_jars_is_a_clear_error_and_leaves_nothing_half(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"  # the discard port: nothing listens
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment |= {"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "http_proxy": nowhere, "https_proxy": nowhere}
    environment |= {"NO_PROXY": "", "no_proxy": ""}
    command = [sys.executable, "-m", "streams.embedded.jars"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "cannot fetch Apache Kafka 4.1.1 from Maven Central" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [path for path in (tmp_path / "cache" / "posventa").iterdir() if path.is_dir()]
