"""What the migrations say so far: the newest statement of each view, and the columns of each table.

Owns the reading of our own SQL. Never asks a ClickHouse (a test holds what is read here against a real one). Statements
are compared as words, so that neither layout nor comments make a difference.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_COMMENT_OR_WORD = re.compile(r"--[^\n]*|('(?:[^'\\]|\\.|'')*'|\w+|\S)")
_VIEW = re.compile(r"CREATE OR REPLACE VIEW posventa \. (\w+)")
_NO_VIEW = re.compile(r"DROP VIEW IF EXISTS posventa \. (\w+)")
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS posventa \. (\w+) \( (.*?) \) ENGINE")
_COLUMN = re.compile(r"ALTER TABLE posventa \. (\w+) ADD COLUMN IF NOT EXISTS (\w+) (.+) AFTER (\w+)$")


@dataclass(slots=True)
class Published:
    """What stands after all migrations. Statements and types are in words."""

    views: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)  # by table: type by column, in order

    def add(self, statement: str) -> None:
        """One more statement, in words."""
        if found := _VIEW.match(statement):
            self.views[found[1]] = statement
        elif found := _NO_VIEW.match(statement):
            self.views.pop(found[1], None)
        elif found := _TABLE.match(statement):
            self.tables[found[1]] = _columns(found[2])
        elif found := _COLUMN.match(statement):
            table, name, kind, before = found.groups()
            columns = list(self.tables[table].items())
            place = [column for column, _ in columns].index(before) + 1
            self.tables[table] = dict([*columns[:place], (name, kind), *columns[place:]])


def published(files: Iterable[Path]) -> Published:
    """What the migrations in these files make, one after the other."""
    found = Published()
    for file in sorted(files):
        for statement in statements(file.read_text()):
            found.add(statement)
    return found


def statements(sql: str) -> list[str]:
    """Each statement in words: without comments, one space between any two words."""
    return _in_parts(sql, ";")


def in_words(sql: str) -> str:
    """One statement, or a part of one, in words."""
    return " ".join(statements(sql))


def digest(file: Path) -> str:
    """The file's line in SHA256SUMS."""
    return f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}"


def _in_parts(sql: str, end: str) -> list[str]:
    """In words, cut where `end` is on the outside of all parentheses."""
    parts: list[list[str]] = [[]]
    depth = 0
    for word in filter(None, _COMMENT_OR_WORD.findall(sql)):
        depth += (word == "(") - (word == ")")
        if word == end and depth == 0:
            parts.append([])
        else:
            parts[-1].append(word)
    return [" ".join(words) for words in parts if words]


def _columns(listed: str) -> dict[str, str]:
    """Type by column, of what stands between the parentheses of a CREATE TABLE."""
    found = (words.split(" ", 1) for words in _in_parts(listed, ","))
    return {name: re.split(" (?:COMMENT|DEFAULT) ", rest)[0] for name, rest in found}
