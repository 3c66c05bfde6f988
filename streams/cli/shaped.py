"""Files in other people's shapes, as `posventa publish --as` takes them: which mapping, which variables, which key.

Owns what a person may say of a shape on the command line, and the file that remembers which key pseudonyms were made with.
Never shows a key or an address.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from schemas.events import Event
from streams.cli.input_lines import bounded_lines, input_file
from streams.errors import Misuse
from streams.settings import Settings, variable
from streams.shapes.catalogue import SHIPPED, shipped
from streams.shapes.documents import documents
from streams.shapes.mapping import MAPPING_BYTES_MAX, read_mapping, variables_of
from streams.shapes.pseudonyms import Pseudonyms
from streams.shapes.rows import UnreadRow, csv_rows
from streams.shapes.shape import LeftOut, Made, RefusedPart, Shape
from streams.visible import visible

NEW_KEY: Final = "--new-pseudonym-key"
_KEY_BYTES_MAX: Final = 4_096
_KEY: Final = variable("pseudonym_key")


class RefusedRow(NamedTuple):
    """Row `row` of a file, or one of its events, is not taken; `field` is '' where it is all of it."""

    file: str
    row: int
    field: str
    detail: str


@dataclass
class Counts:
    """How many events of each kind a file made, and how much of it the mapping leaves out."""

    events: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("sales", "reversals", "attributions", "feedback"), 0)
    )
    skipped: int = 0
    rows: int = 0


def shape_of(
    name: str | None, map_file: Path | None, said: Sequence[str], pseudonyms: Callable[[], Pseudonyms]
) -> Shape:
    """The shape that the options name, with what `--set` says. Raises Misuse."""
    text, shown = mapping_text(name, map_file)
    values = dict(_pair(pair) for pair in said)
    if len(values) < len(said):
        raise Misuse("--set says the same name twice")
    known = variables_of(text, shown)
    document = read_mapping(text, shown, {key: value for key, value in values.items() if key in known})
    return Shape(document, {key: value for key, value in values.items() if key not in known}, pseudonyms)


def mapping_text(name: str | None, map_file: Path | None) -> tuple[str, str]:
    """A mapping's text, and what it is called: that of a file, or a shipped one. Raises Misuse."""
    if map_file is not None:
        try:
            with map_file.open("rb") as file:
                return file.read(MAPPING_BYTES_MAX + 1).decode("utf-8-sig"), visible(str(map_file))
        except OSError as error:
            raise Misuse(f"{visible(str(map_file))}: {error.strerror}; --map takes a mapping file (TOML)") from error
        except ValueError as error:
            raise Misuse(f"{visible(str(map_file))}: not UTF-8; --map takes a mapping file (TOML)") from error
    try:
        return shipped(name or ""), name or ""
    except KeyError:
        raise Misuse(
            f"{visible(name or '')}: no such shape; there are {', '.join(SHIPPED)}; your own comes with --map FILE.toml"
        ) from None


def outcomes(shape: Shape, file: str, counts: Counts) -> Iterator[Event | RefusedRow]:
    """The events of a file, and what of it is refused, in its order; counts them on the way. Raises Misuse."""
    with input_file(file, "publish", "publishing") as source:
        rows = (
            csv_rows(bounded_lines(file, "publish", source), shape.csv, shape.roots)
            if shape.format == "csv"
            else documents(source, shape.json, is_by_line=shape.format == "json-lines")
        )
        for row in rows:
            counts.rows += 1
            if isinstance(row, UnreadRow):
                yield RefusedRow(file, row.number, row.field, row.why)
                continue
            for outcome in shape.outcomes(row.fields, row.rows):
                if isinstance(outcome, Made):
                    counts.events[outcome.kind] += 1
                    yield outcome.event
                elif isinstance(outcome, RefusedPart):
                    yield RefusedRow(file, row.number, outcome.field, outcome.detail)
                else:
                    assert isinstance(outcome, LeftOut)
                    counts.skipped += 1


class Keys:
    """The key of pseudonyms, read when the first address needs it, and compared with the one that was used before."""

    def __init__(self, settings: Settings, *, may_change: bool, is_dry: bool) -> None:
        """Nothing is read yet. A dry run compares, and remembers nothing."""
        self._settings, self._may_change, self._is_dry = settings, may_change, is_dry
        self._made: Pseudonyms | None = None

    def __call__(self) -> Pseudonyms:
        """The key. Raises Misuse if there is none, or another one than before."""
        if self._made is None:
            made = _pseudonyms(self._settings)
            self._remember(made.mark())
            self._made = made
        return self._made

    def _remember(self, mark: str) -> None:
        path = Path(self._settings.pseudonym_mark)
        try:
            before = path.read_text(encoding="ascii", errors="replace").strip()[:64]
        except FileNotFoundError:
            before = ""
        except OSError as error:
            raise Misuse(f"{variable('pseudonym_mark')}={visible(str(path))}: {error.strerror}") from error
        if before == mark:
            return
        if before and not self._may_change:
            raise Misuse(
                f"{_KEY} is another key than the one that {visible(str(path))} remembers: every customer would get another "
                f"pseudonym, and meet none of their sales. Use the key of before, or say {NEW_KEY} to begin anew"
            )
        if not self._is_dry:
            _write(path, mark)


def _pseudonyms(settings: Settings) -> Pseudonyms:
    key, source = settings.pseudonym_key.get_secret_value(), _KEY
    if key and settings.pseudonym_key_file:
        raise Misuse(f"{_KEY} and {variable('pseudonym_key_file')} are both set: unset one")
    if settings.pseudonym_key_file:
        source = f"{variable('pseudonym_key_file')}={visible(settings.pseudonym_key_file)}"
        try:
            with Path(settings.pseudonym_key_file).open("rb") as file:
                key = file.read(_KEY_BYTES_MAX).decode().strip()
        except OSError as error:
            raise Misuse(f"{source}: {error.strerror}") from error
        except ValueError:
            raise Misuse(f"{source}: not UTF-8; a key is text, such as openssl rand -hex 32 makes") from None
    if not key:
        raise Misuse(
            f"{_KEY} is not set, and customers are known by their addresses here, which are published hashed with it: "
            "make a key (openssl rand -hex 32), keep it, and set it for every source of the brand"
        )
    try:
        return Pseudonyms(key)
    except ValueError as error:
        raise Misuse(f"{source.partition('=')[0]}: {error}") from None


def _write(path: Path, mark: str) -> None:
    """All of it or nothing, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(mark + "\n")
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Misuse(f"--set {visible(text)}: expected NAME=VALUE, or with a file of columns FIELD=@COLUMN")
    return name.strip(), value
