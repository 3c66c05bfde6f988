"""The results: kept as JSON by part, each with its machine, versions, commit and date; and the page made of them.

Owns bench/results.json and bench/RESULTS.md. Never measures anything. A part that is measured anew replaces itself alone.
"""

import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bench.beside import comparing

Result = dict[str, Any]

HERE: Final = Path(__file__).parent
PROGRAMS: Final = (
    "bare aiokafka loop", "stock Faust, as it comes", "stock Faust, tuned", "Quix Streams", "Pathway",
    "posventa, 1 worker", "posventa, 2 workers",
)  # fmt: skip
_BARE, *_PEERS, _ONE, _TWO = PROGRAMS

_INTRO: Final = """\
# Results of `make bench`

Made by `python -m bench`; don't edit. How each part measures is told at the top of its module in bench/; what the figures
mean is discussed in [docs/performance.md](../docs/performance.md). The worker, its peers, Kafka, ClickHouse and the
measurement share the cores of one machine. Machines are noisy: compare within a part, and ratios before figures.
Three figures are the lowest, the **median** and the highest of all rounds.
"""

_PROMISES: Final = """\
All decode, fold and write by the same code; a program whose sums in ClickHouse are not right has no rate. They don't promise
the same after a crash (bench/peers/ says more):

- stock Faust: events come at least once; a customer, their panes and ClickHouse may part for good. As it comes: with
  Faust's own settings; tuned: with larger fetches, buffers and batches.
- Quix Streams: state, changelog and offsets change in one transaction (exactly-once); rows are written before, and again.
- Pathway: events come at least once; state is in memory and computed again from persisted reads; writes no comments.
- posventa: exact through any crash ([guarantees](../docs/guarantees.md)).

Stock Faust and Quix Streams flush to ClickHouse once a second, Pathway up to four times, posventa when it has rows."""


def store(part: str, origin: Result, result: Result, directory: Path = HERE) -> None:
    """Keeps a part's result and makes the page anew."""
    file = directory / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    results[part] = {"origin": origin, "result": result}
    file.write_text(json.dumps(results, indent=1) + "\n")
    (directory / "RESULTS.md").write_text(page(results))


def page(results: dict[str, Result]) -> str:
    """The page, of the parts that there are."""
    out = [_INTRO]
    for part, (title, render) in _PARTS.items():
        if part in results:
            out += [f"## {title}", "", *render(results[part]["result"]), _origin(results[part]["origin"]), ""]
    return "\n".join(out)


def ratios(rounds: Sequence[Result], above: str, below: str) -> list[float]:
    """Of two programs' rates, within each round in which both did the job."""
    pairs = [(each.get(above, {}).get("rate"), each.get(below, {}).get("rate")) for each in rounds]
    return [one / other for one, other in pairs if one and other]


def _throughput(result: Result) -> Iterator[str]:
    rounds, sizes = result["rounds"], result["sizes"]
    done = {program: [r[program] for r in rounds if "rate" in r.get(program, {})] for program in PROGRAMS}
    yield f"{sizes['records']:,} records for posventa and the bare loop, {sizes['peer_records']:,} of the same kind for its"
    yield f"peers; {len(rounds)} rounds in which all take turns. Rates are from the first rows in ClickHouse to the last."
    yield ""
    yield _PROMISES
    yield from _table("records/s, as ratios within a round |", _ratio_rows(rounds))
    yield from _table(
        "| records/s | CPU s per million: program | Kafka | ClickHouse | peak memory, MB", map(_costs, done.items())
    )
    yield from _table(
        "per record | changelog, bytes | rows to ClickHouse | bytes to it, uncompressed | start to first rows, s",
        (_weights(program, done[program]) for program in PROGRAMS[1:]),
    )
    yield "Pathway has no changelog: its bytes are those of the files that it keeps."
    yield from _table(
        "cores in use (CPU seconds a second) | worker 1 | worker 2 | Kafka | ClickHouse | measurement | sum",
        (_cores(program, done[program]) for program in (_ONE, _TWO) if done[program]),
    )
    for program in PROGRAMS:
        for why in {r[program]["wrong"].splitlines()[0] for r in rounds if "wrong" in r.get(program, {})}:
            yield f"{program} did not do the job in a round, which does not count: {why}"


def _ratio_rows(rounds: Sequence[Result]) -> Iterator[list[str]]:
    for above, below in [*((_ONE, peer) for peer in _PEERS), (_TWO, _ONE), (_ONE, _BARE)]:
        yield [f"{above} / {below}", _spread(ratios(rounds, above, below), ".2f")]


def _costs(of: tuple[str, Sequence[Result]]) -> list[str]:
    program, runs = of
    full = [run for run in runs if "cpu_s_per_million" in run]  # the bare loop has a rate only
    cpu = [
        _spread([run["cpu_s_per_million"][name] for run in full], ".0f") for name in ("program", "kafka", "clickhouse")
    ]
    return [
        program,
        _spread([run["rate"] for run in runs], ",.0f"),
        *cpu,
        _spread([run["memory_mb"] for run in full], ",.0f"),
    ]


def _weights(program: str, runs: Sequence[Result]) -> list[str]:
    columns = {"changelog_bytes": ".0f", "rows": ".2f", "clickhouse_bytes": ".0f", "start_s": ".1f"}
    return [program, *(_spread([run[column] for run in runs], form) for column, form in columns.items())]


def _cores(program: str, runs: Sequence[Result]) -> list[str]:
    """What limits posventa: who used how much of the cores."""
    processes = ("process 0", "process 1", "kafka", "clickhouse", "measurement")
    cores = [statistics.median(run["cores"].get(name, 0.0) for run in runs) for name in processes]
    return [program, *(f"{value:.2f}" for value in (*cores, sum(cores)))]


def _latency(result: Result) -> Iterator[str]:
    sizes = result["sizes"]
    yield f"One worker, open load for {sizes['measured_s']:.0f} s after {sizes['warm_s']:.0f} s that don't count. An event's"
    yield f"age counts from when it is due. ClickHouse is asked every {result['poll_s'] * 1000:.0f} ms: ages are up to that too"
    yield "great."
    yield from _table(
        "events/s | p50, s | p95, s | p99, s | greatest, s | cores: worker | Kafka | ClickHouse | measurement",
        (_latency_row(row) for row in result["rates"]),
    )


def _latency_row(row: Result) -> list[str]:
    rate = f"{row['rate']:,}"
    if "wrong" in row:
        return [rate, row["wrong"].splitlines()[0], *[""] * 7]
    ages = [f"{row[key]:.2f}" for key in ("p50_s", "p95_s", "p99_s", "max_s")]
    return [rate, *ages, *(f"{row['cores'][name]:.2f}" for name in ("worker", "kafka", "clickhouse", "measurement"))]


def _outage(result: Result) -> Iterator[str]:
    sizes = result["sizes"]
    yield f"At a steady {sizes['rate']:,} events/s the only worker is killed (SIGKILL) and started again"
    yield f"{sizes['outage_s']:.0f} s later. It has caught up when every event older than a second can be queried. Nothing was"
    yield "lost or counted twice: the totals are checked."
    yield from _table(
        "events waiting at the start | start to first rows, s | **start to caught up, s** | records/s between the two",
        [[f"{result['backlog']:,}", f"{result['first_rows_s']:.1f}", f"**{result['caught_up_s']:.1f}**",
          f"{result['catch_up_rate']:,.0f}"]],
    )  # fmt: skip


def _recovery(result: Result) -> Iterator[str]:
    customers, state = result["sizes"]["customers"], result["state_bytes"]
    yield f"One worker takes in {customers:,} customers, one sale each, at {result['fill_rate']:,.0f} records/s; then it is"
    yield "killed (SIGKILL) and started again while events keep coming. Seconds are from the start of the process to the first"
    yield "new event that can be queried."
    recovered = ((f"killed, {name}", result[name]) for name in ("with local files", "without local files"))
    yield from _table(
        "| of any partition, s | **of every partition, s** | resident, MB | peak, MB",
        [
            ["taking them in", "", "", *_memory(result["filled"])],
            *(
                [title, f"{run['first_event_s']:.1f}", f"**{run['each_partition_s']:.1f}**", *_memory(run)]
                for title, run in recovered
            ),
        ],
    )
    by_kind = sorted(result["local_bytes_by_kind"].items())
    yield from _table(
        "bytes |",
        [
            ["local files, per customer, panes included", f"{result['local_bytes'] / customers:.0f}"],
            ["changelog as written, per customer, panes included", f"{result['changelog_bytes'] / customers:.0f}"],
            *(
                [f"key and value of each of {of['records']:,} {kind}", f"{of['bytes'] / of['records']:.0f}"]
                for kind, of in by_kind
            ),
            ["a customer's state with one sale", f"{state['one_sale']:.0f}"],
            ["each further sale in it", f"{state['further_sale']:.0f}"],
            ["each answer in it", f"{state['answer']:.0f}"],
        ],
    )


def _memory(run: Result) -> list[str]:
    return [f"{run['resident_mb']:.0f}", f"{run['peak_mb']:.0f}"]


def _attack(result: Result) -> Iterator[str]:
    sizes, calm, attack = result["sizes"], result["calm"], result["attack"]
    yield f"One worker, {sizes['rate']:,} ordinary events/s. After {sizes['calm_s']:.0f} s one partition gets, within"
    yield f"{sizes['attack_s']:.0f} s, {sizes['bombs']} bombs of each codec, {sizes['fuzzed_batches']} batches a second of"
    yield f"what is no event, and {sizes['hot_events']} events a second of one customer who is full (4 MiB):"
    yield f"{result['sent']:,} records. What the other partitions notice; the worker took {result['peak_mb']:,.0f} MB at most."
    rows = [
        [name, *(f"{of[key]:.2f}" for key in ("p50_s", "p99_s", "max_s"))]
        for name, of in (("calm", calm), ("attacked", attack))
    ]
    yield from _table("| p50, s | **p99, s** | greatest, s", rows)


def _verify(result: Result) -> Iterator[str]:
    yield f"`posventa verify` of {result['events']:,} events, {result['keys']:,} rows and sums: {result['seconds']:.0f} s,"
    yield f"**{result['events_per_second']:,.0f} events/s** from Kafka to the verdict, and {result['peak_mb']:,.0f} MB at most"
    yield "in all its processes. A worker that has nothing to do is beside it."


def _stages(result: Result) -> Iterator[str]:
    yield f"One record, in units of {result['unit_records']:,}, with {result['rows_per_record']:.2f} rows and"
    yield f"{result['changed_per_record']:.2f} changed states a record; microseconds."
    rows = ([stage, f"{wall:.1f}", f"{cpu:.1f}"] for stage, (wall, cpu) in result["stages_us"])
    yield from _table("stage | clock | our CPU", rows)


def _profile(result: Result) -> Iterator[str]:
    yield f"{result['looks']:,} looks by py-spy at a worker that is behind: where the thread was that held Python's lock."
    yield from _table(
        "| share of the looks, %", ([place, f"{share * 100:.1f}"] for place, share in result["shares"].items())
    )


def beside(result: Result) -> Iterator[str]:
    """The lines of a comparison with another commit, for the page and for the screen."""
    named = "" if result["named"] == result["beside"] else f" ({result['named']})"
    yield f"This tree, **{result['this']}**, beside **{result['beside']}**{named}. Both take turns in the same rounds,"
    yield "each time in a process of its own. Ratios are this by the other, within a round."
    yield ""
    yield from (f"- {remark}" for remark in result["remarks"])
    if of_stages := result.get("stages"):
        yield from _beside_stages(of_stages, result["sizes"])
        yield f"**{comparing.verdict(of_stages['whole']['ratios'], result['limit_percent']).words}.**"
    if of_job := result.get("throughput"):
        sizes = result["sizes"]
        yield ""
        yield f"The whole job, one worker, {sizes['job_records']:,} records, {sizes['job_rounds']} rounds; no limit:"
        titles = "| this | beside | ratio"
        yield from _table(titles, ([name, *_beside_row(of, ",.0f")] for name, of in of_job["figures"].items()))
        yield from (f"A round in which one did not do the job does not count: {why}" for why in of_job["wrong"])


def _beside_stages(of_stages: Result, sizes: Result) -> Iterator[str]:
    yield ""
    yield f"CPU per record, microseconds, {sizes['records']:,} records, {sizes['rounds']} rounds:"
    rows = {("**unit, transaction and insert**" if name == "whole" else name): of for name, of in of_stages.items()}
    held = {name: comparing.interval(of["ratios"]) for name, of in rows.items() if of["ratios"]}
    yield from _table(
        "stage | this | beside | ratio | where its median lies",
        ([name, *_beside_row(of, ".2f"), _between(held.get(name))] for name, of in rows.items()),
    )


def _beside_row(of: Result, form: str) -> list[str]:
    medians = [format(statistics.median(of[tree]), form) for tree in ("this", "beside")]
    return [*medians, _spread(of["ratios"], ".3f")]


def _between(interval: comparing.Interval | None) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f} ({interval.probability:.0%})" if interval else "-"


def _table(titles: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown with empty lines around it."""
    yield ""
    yield f"| {titles} |"
    yield f"|{'---|' * (titles.count('|') + 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _spread(values: Sequence[float], form: str) -> str:
    if not values:
        return "-"
    low, middle, high = (format(value, form) for value in (min(values), statistics.median(values), max(values)))
    return f"**{middle}**" if len(values) == 1 else f"{low} … **{middle}** … {high}"


def _origin(origin: Result) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    return f"*{origin['date']}, commit {origin['commit']}, {origin['machine']}. {versions}.*"


_PARTS: Final[dict[str, tuple[str, Callable[[Result], Iterable[str]]]]] = {
    "throughput": ("Throughput", _throughput),
    "latency": ("Event to queryable", _latency),
    "outage": ("Catching up after an outage", _outage),
    "recovery": ("Many customers: recovery, memory and bytes", _recovery),
    "attack": ("Under attack", _attack),
    "verify": ("Counting everything again", _verify),
    "stages": ("Where the time goes", _stages),
    "profile": ("The hot path of a running worker", _profile),
    "beside": ("Beside another commit", beside),
}
