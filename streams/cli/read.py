"""posventa read: the comment reader by itself, on a file of comments; why it found what it found, and how often it is right."""

import json
import random
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, NamedTuple

import typer

from streams.cli.input_lines import STANDARD_INPUT, input_lines
from streams.errors import Misuse
from streams.publishing.jsonl import RefusedLine, parse_lines
from streams.reading.comment_lines import CommentLine, parse_comment
from streams.reading.precision import wilson
from streams.reading.published import NEWEST, reader
from streams.reading.reader import ExplainedFinding, Reader
from streams.visible import visible


class _Read(NamedTuple):
    request: CommentLine
    reading: ExplainedFinding


def read(
    file: Annotated[
        str | None, typer.Argument(help="JSON Lines, one comment a line; '-', or none, reads standard input")
    ] = None,
    reader_id: Annotated[str | None, typer.Option("--reader", help="a published reader's id; none: the newest")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="show the words that led to each finding")] = False,
    audit: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000, help="ask about the findings of so many random comments, and tell the precision"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print a line of JSON for each comment")] = False,
) -> None:
    """Read comments, and show what is found in each. Bad lines are told by number, the rest is read; exit code 1 then."""
    if audit is not None and file in (None, STANDARD_INPUT):
        raise Misuse("--audit asks on standard input: name a file of comments, posventa read FILE.jsonl --audit N")
    made, refused = reader(reader_id or NEWEST), list[RefusedLine]()
    with input_lines(file or STANDARD_INPUT, "read") as lines:
        every = _readings(lines, made, refused)
        if audit is not None:
            _audit(_chosen(every, audit), as_json)
        else:
            for one in every:
                typer.echo(_json(one, explain) if as_json else _shown(one, explain))
    if refused:
        raise typer.Exit(1)


def _readings(lines: Iterable[bytes], made: Reader, refused: list[RefusedLine]) -> Iterator[_Read]:
    for line in parse_lines(lines, parse_comment):
        if isinstance(line, RefusedLine):
            refused.append(line)
            typer.echo(f"posventa: line {line.number}: {visible(line.why)}", err=True)
        else:
            yield _Read(line, made.explain(line.comment, line.offering, line.language, line.scores, line.asked))


def _json(one: _Read, explain: bool) -> str:
    reasons = one.reading.reasons
    told: dict[str, Any] = {
        "id": one.request.id,
        "findings": [f"{reason.finding.verdict}:{reason.finding.topic}" for reason in reasons],
        "language": one.reading.language or None,
    }
    if explain:
        told["words"] = [" ".join(reason.words) for reason in reasons]
    return json.dumps(told)


def _shown(one: _Read, explain: bool) -> str:
    """A comment's findings on one line; with their words, each on a line of its own."""
    found = [f"{reason.finding.verdict}:{reason.finding.topic}" for reason in one.reading.reasons]
    head = f"{visible(str(one.request.id))}  {one.reading.language or '-'}"
    if not explain:
        return f"{head}  {', '.join(found) or '-'}"
    pairs = zip(found, one.reading.reasons, strict=True)
    return "\n".join([head, *(f"    {finding}  <- {' '.join(reason.words)}" for finding, reason in pairs)])


def _chosen(every: Iterable[_Read], count: int) -> list[_Read]:
    """So many of the comments in which something was found, each as likely as another, without keeping all."""
    chosen, chance = list[_Read](), random.SystemRandom()
    with_findings = (one for one in every if one.reading.reasons)
    for seen, one in enumerate(with_findings):
        if len(chosen) < count:
            chosen.append(one)
        elif (place := chance.randrange(seen + 1)) < count:
            chosen[place] = one
    return chosen


def _audit(chosen: list[_Read], as_json: bool) -> None:
    """Asks about each finding; the end of the input ends it."""
    right, seen = 0, 0
    for number, one in enumerate(chosen, start=1):
        typer.echo(f"\n{number} of {len(chosen)}: {visible(one.request.comment)}", err=True)
        for reason in one.reading.reasons:
            answer = _answer(f"  {reason.finding.verdict}:{reason.finding.topic}  is it right? [y/n/skip/quit] ")
            if answer == "q":
                _tell(right, seen, as_json)
                return
            right += answer == "y"
            seen += answer in "yn"
    _tell(right, seen, as_json)


def _answer(question: str) -> str:
    """`y`, `n`, `s` or `q`."""
    while True:
        typer.echo(question, nl=False, err=True)
        said = sys.stdin.readline()
        first = said.strip()[:1].lower()
        if said == "" or first == "q":
            return "q"
        if first and first in "yns":
            return first


def _tell(right: int, seen: int, as_json: bool) -> None:
    low, high = wilson(right, seen)
    precision = right / seen if seen else None
    if as_json:
        typer.echo(json.dumps({"findings": seen, "right": right, "precision": precision, "low": low, "high": high}))
    elif precision is None:
        typer.echo("no finding was judged")
    else:
        typer.echo(f"\nprecision {precision:.1%}: {right} of {seen} findings are right (95 %: {low:.1%} to {high:.1%})")
