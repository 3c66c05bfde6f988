"""What OSV says of what is locked is told by package and version; and whoever could not ask says so."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from streams.embedded.jars import pinned
from supply.audit import NONE_KNOWN, NOT_ASKED, SOME_KNOWN, locked, main

# Of https://google.github.io/osv.dev/api/: two versions with advisories, one of them on two pages, one with none.
_LZ4 = {"ecosystem": "Maven", "name": "at.yawk.lz4:lz4-java"}
_MSGPACK = {"ecosystem": "PyPI", "name": "msgpack"}
_ADVISORIES = {
    "GHSA-1": {
        "id": "GHSA-1", "aliases": ["CVE-2025-1"], "summary": "Reads out of bounds",
        "affected": [
            {"package": _LZ4, "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.10.2"}]},
                {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "c0ffee"}]},
            ]},
            {"package": {"ecosystem": "Maven", "name": "another"}, "ranges": [
                {"type": "ECOSYSTEM", "events": [{"fixed": "9"}]},
            ]},
        ],
    },
    "GHSA-2": {"id": "GHSA-2"},
    "PYSEC-3": {"id": "PYSEC-3", "summary": "Recurses", "affected": [{"package": _MSGPACK}]},
}  # fmt: skip


def answer(path: str, question: Any) -> Any:
    """As OSV does."""
    if path == "/v1/querybatch":
        return {"results": [_found(of["package"]) for of in question["queries"]]}
    if path == "/v1/query":
        assert (question["package"], question["page_token"]) == (_LZ4, "more")
        return {"vulns": [{"id": "GHSA-2"}]}
    return _ADVISORIES[path.removeprefix("/v1/vulns/")]


def _found(package: Any) -> Any:
    if package == _LZ4:
        return {"vulns": [{"id": "GHSA-1"}], "next_page_token": "more"}
    return {"vulns": [{"id": "PYSEC-3"}]} if package == _MSGPACK else {}


@contextmanager
def database(answers: Callable[[str, Any], Any]) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = json.dumps(answers(self.path, json.loads(body) if body else None)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def test_what_is_known_is_told_by_version_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with database(answer) as address:
        assert main(["--database", address]) == SOME_KNOWN
    versions = {package.name: package.version for package in locked()}
    lz4 = f"at.yawk.lz4:lz4-java {versions['at.yawk.lz4:lz4-java']}"
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{lz4}: GHSA-1 (CVE-2025-1): Reads out of bounds; fixed in 1.10.2",
        f"{lz4}: GHSA-2: no summary; no fixed version is known",
        f"msgpack {versions['msgpack']}: PYSEC-3: Recurses; no fixed version is known",
    ]
    assert last == f"{len(locked())} packages, 2 of them with known vulnerabilities, says {address}"


def test_nothing_known_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    with database(lambda _, question: {"results": [{}] * len(question["queries"])}) as address:
        assert main(["--database", address]) == NONE_KNOWN
    assert "0 of them with known vulnerabilities" in capsys.readouterr().out


def test_whoever_cannot_ask_says_that_nothing_was_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        assert main(["--database", f"http://127.0.0.1:{taken.getsockname()[1]}"]) == NOT_ASKED
    with database(lambda *_: {"a page of": "somebody else"}) as address:
        assert main(["--database", address]) == NOT_ASKED
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("NOT CHECKED") == 2
    assert len({NONE_KNOWN, SOME_KNOWN, NOT_ASKED}) == 3


def test_every_locked_version_and_every_jar_is_asked_for_once(tmp_path: Path) -> None:
    pins = ("numpy==2.4.6 ; python_full_version < '3.12' \\", "    --hash=sha256:00", "numpy==2.5.5 ; os_name == 'nt'")
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text("\n".join(["# made", *pins, ""]))
    python = [(package.name, package.version) for package in locked(tmp_path) if package.ecosystem == "PyPI"]
    assert python == [("numpy", "2.4.6"), ("numpy", "2.5.5")]
    assert len(locked(tmp_path)) == len(python) + len(pinned())
