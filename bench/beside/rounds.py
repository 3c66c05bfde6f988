"""The rounds in which this tree and another take turns.

What is held to a limit is the CPU that a record costs a worker's process, stage by stage on the same records
(bench/stages.py). Within a round the two take turns unit by unit, a fraction of a second each, so that both see the same
hour of a machine that others use too. Each round has new processes, so that where things lie in memory differs from round
to round, as it may between trees. Each tree has its own engines for all rounds. Told beside it is the whole job with one
worker (bench/throughput.py), in fewer rounds.

Owns the order. Never judges (comparing.py does), never measures itself (bench/once.py does, in each tree).
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.beside.asking import Talk, Tree, alternate
from bench.beside.comparing import of_round, ratio, turns
from bench.beside.trees import ROOT, beside
from bench.ground import Wrong
from bench.origin import commit_of

PARTS: Final = ("stages", "throughput")
_RECORDS_S_MAX: Final = 120.0
_START_S_MAX: Final = 180.0
_UNIT_S_MAX: Final = 120.0  # the first one's process begins with it
_ANEW_S_MAX: Final = 150.0
_PUBLISH_S_MAX: Final = 300.0
_JOB_S_MAX: Final = 600.0
_COSTS: Final = ("program", "kafka", "clickhouse")


class Side(NamedTuple):
    """A tree, its engines and how they are found, and its records."""

    tree: Tree
    ground: Talk
    environment: dict[str, str]
    records: Path


Say = Callable[[str], None]
Sides = tuple[Side, Side]  # this, and the one beside it


class Sizes(NamedTuple):
    """How much is measured, and how often."""

    records: int = 80_000  # two full units of each partition
    rounds: int = 20
    job_records: int = 300_000
    job_rounds: int = 3


def compare(name: str, sizes: Sizes, parts: Sequence[str], keep: Path | None, say: Say) -> dict[str, Any]:
    """Builds the commit of that name, in `keep` or where nothing is left of it, and measures both. Raises Wrong."""
    newest = time.time_ns() // 1_000_000
    with tempfile.TemporaryDirectory(prefix="posventa-beside-") as place:
        temporary = Path(place)
        with beside(name, keep or temporary / "tree", keep=keep is not None, say=say) as other:
            trees = Tree(commit_of(ROOT), ROOT), other
            files = [temporary / f"records-{number}" for number in range(len(trees))]
            result: dict[str, Any] = {
                "this": trees[0].commit, "beside": other.commit, "named": name, "sizes": sizes._asdict(),
                "remarks": _prepare(trees, files, sizes.records, newest),
            }  # fmt: skip
            say("starting the engines of both")
            with standing(trees[0], temporary / "this") as here, standing(other, temporary / "beside") as there:
                sides = Side(trees[0], *here, files[0]), Side(other, *there, files[1])
                if "stages" in parts:
                    result["stages"], remark = _stages(sides, sizes.rounds, say)
                    result["remarks"].append(remark)
                if "throughput" in parts:
                    result["throughput"] = _throughput(sides, sizes, newest, say)
    return result


def _prepare(trees: Sequence[Tree], files: Sequence[Path], count: int, newest: int) -> list[str]:
    """Each tree makes its records. Returns in what the two are not alike, but for the commit."""
    asked = []
    for tree, file in zip(trees, files, strict=True):
        with tree.talk("records", str(count), str(newest), file, log=file.with_suffix(".log")) as talk:
            asked.append(talk.hear(_RECORDS_S_MAX))
    for tree, found in zip(trees, asked, strict=True):
        if found["stale"]:
            raise Wrong(f"{tree.commit}: {', '.join(found['stale'])} changed after it was compiled: make setup")
    return differences(*asked)


def differences(this: dict[str, Any], that: dict[str, Any]) -> list[str]:
    """In words, what besides the commit is not the same in two answers of `bench.once records`."""
    remarks = []
    if this["records_digest"] != that["records_digest"]:
        remarks.append("The two trees make different records of the same seed: each is measured on its own.")
    if this["compiled"] != that["compiled"]:
        remarks.append("Only one of the two cores is compiled: the ratios say nothing of the commits.")
    mine, theirs = this["versions"], that["versions"]
    if odd := sorted(name for name in mine.keys() & theirs.keys() if mine[name] != theirs[name]):
        named = ", ".join(f"{name} {mine[name]} / {theirs[name]}" for name in odd)
        remarks.append(f"Libraries differ (this / beside): {named}.")
    return remarks


@contextmanager
def standing(tree: Tree, directory: Path) -> Iterator[tuple[Talk, dict[str, str]]]:
    """A tree's engines in a new directory, and the environment in which its programs find them."""
    directory.mkdir()
    with tree.talk("ground", directory / "ground", log=directory / "ground.log") as ground:
        yield ground, ground.hear(_START_S_MAX)["environment"]


def _stages(sides: Sides, count: int, say: Say) -> tuple[dict[str, Any], str]:
    """The CPU of each stage, and whether both made the same of the records."""
    say("one round that does not count: what comes out")
    this, that = _measure_stages(sides, 0, "--outcome")
    rounds = []
    for number in range(count):
        # Who begins changes too: with an even number of units, one of the two has the odd places in the row.
        order = sides if number % 2 == 0 else sides[::-1]
        found = _measure_stages(order, number)
        one, other = found if number % 2 == 0 else found[::-1]
        rounds.append((one["units"], other["units"]))
        this_us, that_us, found_ratio = of_round(*rounds[-1], "whole")
        say(
            f"CPU per record, round {number + 1} of {count}: {this_us:.2f} µs, beside {that_us:.2f} µs: {found_ratio:.3f}"
        )
    names = [stage for stage in rounds[0][0][0] if stage in rounds[0][1][0]]
    return {stage: _figures([of_round(*both, stage) for both in rounds]) for stage in names}, outcomes(this, that)


def _measure_stages(order: Sequence[Side], number: int, *options: str) -> list[dict[str, Any]]:
    """One round: both at once, but only one at a time has its turn. On empty engines, which are emptied again."""
    with tempfile.TemporaryDirectory(prefix="posventa-beside-") as name, ExitStack() as stack:
        directory = Path(name)
        both = []
        for which, side in enumerate(order):
            place = directory / str(which)
            place.mkdir()
            talk = side.tree.talk(
                "stages", side.records, place / "state", *options,
                log=place / "log", more=side.environment, hash_seed=number,
            )  # fmt: skip
            both.append(stack.enter_context(talk))
        found = alternate(both, _UNIT_S_MAX)
    for side in order:
        side.ground.ask("anew", seconds=_ANEW_S_MAX)
    return found


def outcomes(this: dict[str, Any], that: dict[str, Any]) -> str:
    """In words, in what two trees made something else of the records; or that they did not."""
    odd = [f"{name} per {this['records']:,} records ({this[name]:,} / {that[name]:,})"
           for name in ("rows", "changed") if this[name] != that[name]]  # fmt: skip
    odd += [f"bytes of the {name}" for name, digest in this["outcome"].items() if digest != that["outcome"].get(name)]
    if not odd:
        return "Both make the same of the records: changed state and rows are equal, byte by byte."
    return f"The two do not make the same of the records, so two jobs are compared. They differ in {'; '.join(odd)}."


def _throughput(sides: Sides, sizes: Sizes, newest: int, say: Say) -> dict[str, Any]:
    """The whole job with one worker: figures by name, of the rounds in which both did it."""
    say(f"publishing {sizes.job_records:,} records for each")
    for side in sides:
        side.ground.ask("publish", sizes.job_records, newest, seconds=_PUBLISH_S_MAX)
    rounds = []
    for number, order in enumerate(islice(turns(), sizes.job_rounds)):
        found = {which: sides[which].ground.ask("job", seconds=_JOB_S_MAX) for which in order}
        rounds.append((found[0], found[1]))
        say(f"one worker, round {number + 1} of {sizes.job_rounds}: {_summary(found[0])}, beside {_summary(found[1])}")
    done = [both for both in rounds if not any(each["wrong"] for each in both)]
    wrong = sorted({each["wrong"].splitlines()[0] for both in rounds for each in both if each["wrong"]})
    figures = {"records/s": [(one["rate"], other["rate"]) for one, other in done]}
    for name in _COSTS:
        figures[f"CPU s per million records: {name}"] = [
            (one["cpu_s_per_million"][name], other["cpu_s_per_million"][name]) for one, other in done
        ]
    figures["peak memory, MB"] = [(one["memory_mb"], other["memory_mb"]) for one, other in done]
    by_name = {name: _figures([(*both, ratio(*both)) for both in pairs]) for name, pairs in figures.items()}
    return {"figures": by_name if done else {}, "wrong": wrong}


def _figures(rounds: Sequence[tuple[float, float, float | None]]) -> dict[str, list[float]]:
    return {
        "this": [this for this, _, _ in rounds],
        "beside": [that for _, that, _ in rounds],
        "ratios": [found for _, _, found in rounds if found is not None],
    }


def _summary(found: dict[str, Any]) -> str:
    if found["wrong"]:
        return str(found["wrong"])
    return f"{found['rate']:,.0f} records/s, {found['cpu_s_per_million']['program']:.1f} s per million"
