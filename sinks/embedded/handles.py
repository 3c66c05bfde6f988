"""Handles of the engine: one for every request, or for every session, each with its role from its first moment on.

Owns the directory and the process's only way to it: chDB lets one process open a path, once.
Invariant: a handle takes its role before anything that a request says, and none is ever used by another request or
session, so nothing is carried from one to the next.
"""

import json
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import chdb

from sinks.embedded.errors import SESSION_IS_LOCKED, SESSION_NOT_FOUND, QueryRefused, from_engine
from sinks.embedded.external import ExternalTable
from sinks.embedded.protocol import Request
from sinks.embedded.rights import BRINGER, Role, limits_of, memory_of_this_machine, taking, write_rights

# What the engine's binding raises; the last where it tells of bytes that are no text.
EngineError: Final = (RuntimeError, chdb.ChdbError, UnicodeDecodeError)

_SESSIONS_MAX: Final = 256  # kept at once; the one idle longest makes room
_PARSED_MAX: Final = 512  # statements whose reading is remembered
_PARSED_BYTES_MAX: Final = 16_384  # of one of them


class _Session(NamedTuple):
    connection: Any
    idle_since_s: float
    expires_after_s: float


class Handles:
    """Thread-safe. Opens the directory when made and keeps it until `close()`."""

    def __init__(self, directory: Path) -> None:
        """Raises RuntimeError when the directory can't be opened."""
        path = directory.resolve()
        path.mkdir(parents=True, exist_ok=True)
        limits = limits_of(memory_of_this_machine())
        rights = write_rights(path.parent, limits)
        _declare_default_database(path / "metadata")
        self._string = f"{path}?{rights}"
        self._taking = {role: taking(role, limits) for role in Role}
        self._first = self.open(Role.WRITER)  # the engine stays open as long as one handle does
        _leave_the_working_directory()  # for which the engine asks when it opens
        self._lock = threading.Lock()
        self._sessions: dict[tuple[Role, str], _Session | None] = {}  # None: a query of that session is running

    def open(self, role: Role) -> Any:
        """A handle of that role. Whoever opens it closes it."""
        connection = chdb.connect(self._string)  # type: ignore[no-untyped-call]
        for sql in self._taking[role]:
            connection.query(sql)
        return connection

    @contextmanager
    def handle(self, role: Role, request: Request) -> Iterator[Any]:
        """That of its session, or one for this request alone. Raises QueryRefused if the session is in use, or missed."""
        if not request.session_id:
            connection = self.open(role)
            try:
                yield connection
            finally:
                connection.close()
            return
        key = (role, request.session_id)
        connection = self._take(key, request.session_check)
        try:
            yield connection
        finally:
            with self._lock:
                del self._sessions[key]  # to the end: the dictionary is in order of use
                if not request.session_ends:
                    self._sessions[key] = _Session(connection, time.monotonic(), request.session_timeout_s)
            if request.session_ends:
                connection.close()

    def close(self) -> None:
        """Call when no handle is in use any more."""
        with self._lock:
            for session in filter(None, self._sessions.values()):
                session.connection.close()
            self._sessions.clear()
            self._first.close()

    def _take(self, key: tuple[Role, str], must_be_there: bool) -> Any:
        with self._lock:
            session = self._sessions.get(key)
            if key in self._sessions and session is None:
                raise QueryRefused(SESSION_IS_LOCKED, f"Session {key[1]} is busy. (SESSION_IS_LOCKED)")
            if session and time.monotonic() - session.idle_since_s > session.expires_after_s:
                session.connection.close()
                del self._sessions[key]
                session = None
            if session is None:
                if must_be_there:
                    raise QueryRefused(SESSION_NOT_FOUND, f"Session {key[1]} not found. (SESSION_NOT_FOUND)")
                self._make_room()
            connection = session.connection if session else self.open(key[0])
            self._sessions[key] = None
            return connection

    def _make_room(self) -> None:
        now_s = time.monotonic()
        excess = len(self._sessions) - _SESSIONS_MAX + 1
        for position, (key, session) in enumerate(list(self._sessions.items())):
            if session and (position < excess or now_s - session.idle_since_s > session.expires_after_s):
                session.connection.close()
                del self._sessions[key]


class Reading:
    """The engine's parser, on a handle of its own for each role: what a reader sends holds up no writer."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._lock = threading.Lock()
        self._remembered = lru_cache(_PARSED_MAX)(self._canonical)

    def canonical(self, text: bytes) -> str:
        """As Grammar has it."""
        return self._remembered(text) if len(text) <= _PARSED_BYTES_MAX else self._canonical(text)

    def reads(self, canonical: str) -> bool:
        """As Grammar has it."""
        text = canonical.encode(errors="replace").decode()  # the binding takes no bytes that are no text
        with self._lock:
            return bool(self.connection._conn.classify_query(text)["query_class"].name == "READ_ONLY")

    def _canonical(self, text: bytes) -> str:
        quoted = text.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
        try:
            with self._lock:
                found = self.connection.query(b"SELECT formatQuerySingleLine('" + quoted + b"')", "RawBLOB").bytes()
        except EngineError as error:
            message, _, rest = str(error).partition(": In scope SELECT formatQuerySingleLine(")
            raise from_engine(f"{message}. (SYNTAX_ERROR)" if rest else message) from error
        return bytes(found).decode(errors="surrogateescape")


def settings_of(connection: Any, names: Iterable[str]) -> dict[str, str]:
    """The values that these settings have."""
    asked = ", ".join(map(literal, names))
    sql = f"SELECT name, value FROM system.settings WHERE name IN ({asked})"  # noqa: S608 - quoted
    found = connection.query(sql, "JSONCompactEachRow")
    return dict(json.loads(line) for line in bytes(found.bytes()).splitlines())


def set_settings(connection: Any, settings: Mapping[str, str]) -> None:
    """Sets them for all that the handle does from now on."""
    connection.query("SET " + ", ".join(f"{name} = {literal(value)}" for name, value in settings.items()))


def bring(connection: Any, role: Role, table: ExternalTable) -> None:
    """Makes a table for this handle alone, which has that role before and after."""
    name, columns = identifier(table.name), literal(table.structure)
    connection.query(f"SET ROLE {BRINGER}")
    try:
        # By way of null(), which takes columns as a string.
        connection.query(f"CREATE TEMPORARY TABLE {name} AS SELECT * FROM null({columns})")  # noqa: S608 - quoted
        try:
            with connection.send_insert(f"INSERT INTO {name}", table.format) as inserter:
                inserter.append(table.data)
                inserter.finish()
        except EngineError:
            take_away(connection, table)
            raise
    finally:
        connection.query(f"SET ROLE {role}")


def take_away(connection: Any, table: ExternalTable) -> None:
    """Drops a table that was brought."""
    connection.query(f"DROP TEMPORARY TABLE {identifier(table.name)}")


def formats_of(connection: Any) -> dict[str, tuple[str, str]]:
    """Name and content type of every format that answers can have, by its name in small letters."""
    found = connection.query("SELECT name, content_type FROM system.formats WHERE is_output", "JSONCompactEachRow")
    return {name.lower(): (name, kind) for name, kind in map(json.loads, bytes(found.bytes()).splitlines())}


def literal(text: str) -> str:
    """A string in SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """A name in SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _declare_default_database(metadata: Path) -> None:
    """Makes `default` a database like any other, with the tables that it has.

    By itself the engine gives the database of that name every file of the machine as a table; it knows its own tables by
    a symbolic link to where they are.
    """
    metadata.mkdir(exist_ok=True)
    link, declared = metadata / "default", metadata / "default.sql"
    tables = link.readlink().name if link.is_symlink() else str(uuid.uuid4())
    if not declared.exists():
        half = metadata / "default.sql.tmp"
        half.write_text(f"ATTACH DATABASE _ UUID '{tables}'\nENGINE = Atomic\n", encoding="utf-8")
        half.rename(declared)
    link.unlink(missing_ok=True)  # made anew by the engine


def _leave_the_working_directory() -> None:
    """Stands this process in a directory that is gone.

    The function `file`, and formats that read a schema or a template, ask for no right; all of them begin by asking for
    the working directory, and fail without one.
    """
    os.chdir(tempfile.mkdtemp())
    Path.cwd().rmdir()
