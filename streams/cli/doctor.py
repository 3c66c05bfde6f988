"""posventa doctor: what is wrong with the servers, the topics, the workers and what is published, and what to do about it."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.cli.up_directory import UP_DIRECTORY, UpDirectory
from streams.embedded.password import settings_beside
from streams.visible import visible


def doctor(
    directory: UpDirectory = UP_DIRECTORY, as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False
) -> None:
    """Look at everything posventa stands on, and say what is wrong and what to do. Changes nothing. Exit 1 on a finding."""
    from streams.doctor.checkup import check_up

    settings = settings_beside(directory)
    console = Console(stderr=True)
    with console.status("looking") if console.is_terminal else nullcontext():
        found = check_up(settings, _state_directories(Path(settings.state_dir), directory))
    if as_json:
        typer.echo(json.dumps(_as_dict(found)))
    else:
        _print(found)
    if found.findings:
        raise typer.Exit(1)


def _state_directories(own: Path, up: Path) -> list[Path]:
    """Where workers of this machine may keep local copies, each place once."""
    return sorted({directory.resolve() for directory in (own, up / "workers")})


def _as_dict(found: Any) -> dict[str, Any]:
    from streams.doctor.generations import changelog_of, group_of

    return {
        "generation": found.generation,
        "group": group_of(found.current),
        "changelog": changelog_of(found.current),
        "findings": [finding._asdict() for finding in found.findings],
        "checks": [{"check": outcome.check, "found": outcome.found} for outcome in found.outcomes],
    }


def _print(found: Any) -> None:
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column()
    table.add_column(overflow="fold")
    for outcome in found.outcomes:
        verdict = (
            "not looked at" if outcome.found is None else str(len(outcome.findings)) if outcome.findings else "fine"
        )
        table.add_row(outcome.check, verdict, escape(visible(outcome.found or "")))
    console.print(table)
    for finding in found.findings:
        console.print(
            f"\n[bold]{finding.severity}[/bold] {finding.check}: {escape(visible(finding.found))}", soft_wrap=True
        )
        console.print(f"  expected  {escape(visible(finding.expected))}", soft_wrap=True)
        console.print(f"  do        {escape(visible(finding.do))}", soft_wrap=True)
    count = len(found.findings)
    console.print(f"\n{count} finding{'s' if count != 1 else ''}" if count else "\nnothing to do")
