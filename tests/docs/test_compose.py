"""docker-compose.yml and the Dockerfile, by Docker Compose's own parser: their settings and versions are the code's."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import compose
import pytest

from streams.cli.main import COMMANDS
from streams.embedded.jars import KAFKA_VERSION
from streams.embedded.kafka import server_properties
from streams.settings import Settings
from tests.support.places import ROOT

PARSER: Final = Path(compose.__file__).with_name("docker-compose")  # its Python wrapper swallows the exit code
DOCKERFILE: Final = (ROOT / "deploy" / "Dockerfile").read_text()


def _config(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(PARSER), "--project-directory", str(ROOT), "--env-file", str(ROOT / ".env.example"), "config"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSVENTA_", "CLICKHOUSE_"))}
    return subprocess.run(
        [*command, "--format", "json"], capture_output=True, text=True, env=clean | environment, check=False
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = _config({"CLICKHOUSE_PASSWORD": "secret"})
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_it_does_not_start_without_a_password_of_ones_own() -> None:
    done = _config({})
    assert done.returncode != 0
    assert "cp .env.example .env" in done.stderr


def test_every_setting_in_it_is_one_of_ours_and_accepted(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {f"POSVENTA_{name}".upper() for name in Settings.model_fields}
    ours = [service for service in services.values() if service["image"].startswith("posventa:")]
    assert len(ours) == 2
    for service in ours:
        assert set(service["environment"]) <= known
        for name, value in service["environment"].items():
            monkeypatch.setenv(name, value)
        settings = Settings()
        assert settings.kafka == "kafka:9092"
        assert settings.clickhouse.get_secret_value() == "http://posventa:secret@clickhouse:8123"
        assert (settings.partitions, settings.pane) == (Settings.model_fields["partitions"].default, 300)
    assert set(re.findall(r"POSVENTA_\w+", DOCKERFILE)) <= known
    assert set(re.findall(r"POSVENTA_\w+", (ROOT / ".env.example").read_text())) <= known


def test_its_kafka_is_the_one_of_the_tests_with_the_same_behaviour(services: dict[str, Any]) -> None:
    assert services["kafka"]["image"].partition("@")[0] == f"apache/kafka:{KAFKA_VERSION}"
    embedded = server_properties(Path("/d"), 1, 2)
    of_the_place = {"log.dirs", "listeners", "advertised.listeners", "controller.quorum.voters"}
    of_the_place |= {"listener.security.protocol.map", "inter.broker.listener.name", "heap.opts"}
    here = {
        name.removeprefix("KAFKA_").replace("_", ".").lower(): value
        for name, value in services["kafka"]["environment"].items()
    }
    shared = here.keys() - of_the_place
    assert {name: here[name] for name in shared} == {name: embedded.get(name) for name in shared}
    assert embedded["auto.create.topics.enable"] == here["auto.create.topics.enable"] == "false"


def test_nothing_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert (
        f"HOST://127.0.0.1:{services['kafka']['ports'][0]['published']}"
        in (services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"])
    )


def test_every_image_is_pinned_and_ours_runs_without_root(services: dict[str, Any]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in services.values() if "build" in service} == {f"posventa:{version}"}
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    for image in [*(service["image"] for service in services.values()), *bases]:
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?", image), image
    assert re.search(r"^USER [1-9]\d+$", DOCKERFILE, re.MULTILINE)
    for service in services.values():
        if "build" in service:
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]


def test_the_servers_keep_their_data_and_tell_their_health(services: dict[str, Any]) -> None:
    for name in ("kafka", "clickhouse"):
        assert [volume["type"] for volume in services[name]["volumes"]] == ["volume"]
        assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_the_commands_exist_and_start_in_order(services: dict[str, Any]) -> None:
    assert services["migrate"]["command"][0] in COMMANDS
    assert services["worker"]["command"][0] in COMMANDS
    assert services["migrate"]["depends_on"]["clickhouse"]["condition"] == "service_healthy"
    assert services["worker"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert services["worker"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_what_the_image_copies_is_let_through_to_it() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source for line in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]
    }
    assert copied == let_through
