"""Statements that try to get out of the database, or at what is not for readers: made up from a seed, of every known way.

Pure. A way (a function, an engine, a format…; ways.txt lists them) is put into a place (a query, a DESCRIBE…) and spelled
in one of the ways in which ClickHouse lets a name or a string be written; something may stand before or behind it.
"""

import random
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple


class Targets(NamedTuple):
    """What must be reached by no statement."""

    file: str  # whose content must not be told
    directory: str  # to which nothing may be added
    port: int  # on 127.0.0.1, where nothing may connect


class Attack(NamedTuple):
    """One request."""

    sql: bytes
    parameters: dict[str, str]  # of the URL
    get: bool


_WAYS: Final = Path(__file__).with_name("ways.txt")


@cache
def ways(section: str) -> tuple[str, ...]:
    """The lines of a section of ways.txt."""
    text = _WAYS.read_text(encoding="utf-8").partition(f"[{section}]\n")[2]
    return tuple(text.partition("\n\n")[0].splitlines())


_BEFORE: Final = (
    "/* x */", "-- x\n", "#! x\n", "/**//**//**//**//**//**//**//**//**/", "\ufeff", "\n\t ",
    "\xa0", "\u2003", "(", "SELECT 1;", "SELECT 1;;\n", "EXPLAIN SELECT 1;", "USE posventa; ", "SET readonly = 0; ",
    "SELECT 1 FORMAT Null;\n\n", "EXPLAIN ", "SELECT $$;$$;", "SELECT ';' AS `;`; ",
    "INSERT INTO posventa.comments FORMAT TSV\n\n\n", "EXPLAIN INSERT INTO posventa.comments FORMAT TSV\n\n",
    "EXPLAIN AST INSERT INTO posventa.comments VALUES (1)\n\n", "EXPLAIN AST INSERT INTO posventa.comments VALUES ;",
    "/* /* */ SELECT 1; */ ", "SELECT 1 AS `'`; ", "\x00",
    "SELECT 1\x00;", "PARALLEL WITH ", "EXECUTE AS default ",
)  # fmt: skip
_BEHIND: Final = (
    ";", " -- x", " /* x", ";;", "\\G", " FORMAT JSON", " FORMAT Native", " FORMAT Pretty",
    " FORMAT CSV SETTINGS max_threads = 1", "\x00", "; SELECT 1", " SETTINGS readonly = 0",
    " SETTINGS allow_introspection_functions = 1, log_comment = 'x'", "\n; DROP DATABASE posventa", ")", "'", "`",
    " SETTINGS max_execution_time = 1", " PARALLEL WITH DROP TABLE posventa.journeys", " INTO OUTFILE '/dev/null'",
    "\r\n\r\nDROP TABLE posventa.journeys\r\n", "\n\nSET ROLE writer\n\nDROP TABLE posventa.journeys\n",
    "\n\nSET ROLE writer; DROP TABLE posventa.journeys", " FORMAT TSV\n1\n\nSET ROLE writer\n\nDROP DATABASE posventa\n",
)  # fmt: skip
_URL: Final[tuple[dict[str, str], ...]] = (
    {}, {}, {}, {}, {"database": "posventa"}, {"database": "files_of_nobody"}, {"database": "system"},
    {"role": "writer"}, {"profile": "writer"}, {"readonly": "0"}, {"readonly": "1"}, {"dialect": "prql"},
    {"dialect": "kusto"}, {"allow_experimental_kusto_dialect": "1", "dialect": "kusto"}, {"session_id": "s1"},
    {"session_id": "s2", "max_threads": "1"}, {"user": "posventa"}, {"default_format": "dataframe"},
    {"default_format": "Template"}, {"default_format": "CSV"}, {"default_format": "Parquet"},
    {"max_execution_time": "0"}, {"max_parser_depth": "0"}, {"implicit_select": "1"},
    {"allow_introspection_functions": "1"}, {"additional_result_filter": "1"}, {"query_id": "q"},
    {"wait_end_of_query": "1", "enable_http_compression": "1"},
)  # fmt: skip


def attack(seed: int, targets: Targets) -> Attack:
    """The attack of that seed."""
    dice = random.Random(seed)
    text = dice.choice(ways("changes" if dice.random() < 0.35 else "places"))
    way = _spelled_name(dice, dice.choice(ways("table functions")))
    text = text.replace("{f}", way).replace("{s}", _spelled_name(dice, dice.choice(ways("functions"))))
    parameters = dict(dice.choice(_URL))
    text = _filled(dice, text, targets, parameters)
    if dice.random() < 0.1:
        text = f"{text} UNION ALL {text}"
    # Most of what stands around a way is no SQL with it: half of the attacks go without, so that the engine has to answer.
    before, behind = (dice.choice(around) if dice.random() < 0.3 else "" for around in (_BEFORE, _BEHIND))
    text = f"{before}{text}{behind}"
    return Attack(_blanks(dice, text).encode(errors="replace"), parameters, dice.random() < 0.4)


def _filled(dice: random.Random, text: str, targets: Targets, parameters: dict[str, str]) -> str:
    server = f"127.0.0.1:{targets.port}"
    for name, value in (
        ("{file}", targets.file),
        ("{directory}", targets.directory),
        ("{new}", f"{targets.directory}/new{dice.randrange(99)}"),
        ("{url}", f"http://{server}/x"),
    ):
        while name in text:
            text = text.replace(name, _spelled_string(dice, value, parameters), 1)
    quote = dice.choice("`'\"")
    text = text.replace("{file_name}", f"{quote}{targets.file}{quote}").replace("{file_path}", targets.file)
    return text.replace("{server}", server)


def _spelled_string(dice: random.Random, text: str, parameters: dict[str, str]) -> str:
    """A string in one of the ways in which it can be written."""
    ways = [
        f"'{text}'", f"'{text}'", f"$${text}$$", f"$x${text}$x$", "'" + "".join(f"\\x{ord(c):02x}" for c in text) + "'",
        f"concat('{text[:3]}', '{text[3:]}')", f"'../../../../../..{text}'" if text.startswith("/") else f"'{text}'",
        f"unhex('{text.encode().hex()}')", f"'file://{text}'" if text.startswith("/") else f"'{text}'", "{p:String}",
    ]  # fmt: skip
    chosen = dice.choice(ways)
    if chosen == "{p:String}":
        parameters["param_p"] = text
    return chosen


def _spelled_name(dice: random.Random, call: str) -> str:
    """A function's name in one of the ways in which it can be written."""
    name, bracket, rest = call.partition("(")
    if not bracket or not name.isidentifier():
        return call
    name = dice.choice(
        [
            name,
            name,
            name.upper(),
            name.title(),
            f"`{name}`",
            f'"{name}"',
            f"{name}/**/",
            f"{name} -- x\n",
            f"`{name}`\t",
        ]
    )
    return f"{name}({rest}"


def _blanks(dice: random.Random, text: str) -> str:
    """With another blank in the place of some."""
    if dice.random() < 0.8:
        return text
    blank = dice.choice(["\n", "\t", "/**/", "/*'*/", " -- '\n", "  ", "\r\n", "\f"])
    return "".join(blank if letter == " " and dice.random() < 0.3 else letter for letter in text)
