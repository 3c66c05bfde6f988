"""The ClickHouse engine (chDB) of one directory: a handle of its own for every request, or for every session.

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
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import chdb

from sinks.embedded.errors import (
    ACCESS_DENIED,
    QUERY_WAS_CANCELLED,
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
    READONLY,
    SESSION_IS_LOCKED,
    QueryRefused,
    from_engine,
)
from sinks.embedded.protocol import Request
from sinks.embedded.rights import LIFTED, QUERY_BYTES_MAX, Role, limits_of, memory_of_this_machine, unlimited, write_rights
from sinks.embedded.statement import Kind, Statement, read_statement

_SESSIONS_MAX: Final = 256  # kept at once; the one idle longest makes room
_PARSED_MAX: Final = 512  # statements whose reading is remembered
_PARSED_BYTES_MAX: Final = 16_384  # of one of them
# Formats without header and end: their blocks may be sent one by one as the engine makes them.
_STREAMED: Final = frozenset(
    "Native TabSeparated TSV TabSeparatedRaw TSVRaw CSV RowBinary JSONEachRow JSONLines NDJSON JSONCompactEachRow "
    "JSONStringsEachRow JSONCompactStringsEachRow MsgPack".split()
)


Pieces = Generator[bytes, None, None]


def _nothing() -> Pieces:
    yield from ()


class Answer:
    """What the engine gives back, piece by piece. The counts are whole after the last piece."""

    def __init__(self, form: str) -> None:
        self.format = form
        self.pieces: Pieces = _nothing()
        self.rows = 0  # read, or written
        self.bytes = 0
        self.wrote = False
        self._began_ns = time.perf_counter_ns()

    def elapsed_ns(self) -> int:
        """Since the engine began."""
        return time.perf_counter_ns() - self._began_ns


class Query:
    """A request that runs, known by its query_id until it has ended. Its tag is how the engine's own list knows it."""

    def __init__(self, query_id: str, role: Role, text: str) -> None:
        self.query_id = query_id
        self.role = role
        self.text = text
        self.tag = uuid.uuid4().hex
        self.cancelled = False
        self.ended = threading.Event()


class _Session(NamedTuple):
    connection: Any
    idle_since_s: float
    expires_after_s: float


class Engine:
    """Thread-safe. Opens the directory when made and keeps it until `close()`."""

    def __init__(self, directory: Path) -> None:
        """Raises RuntimeError when the directory can't be opened."""
        self._path = directory.resolve()
        self._path.mkdir(parents=True, exist_ok=True)
        rights = write_rights(self._path.parent, limits_of(memory_of_this_machine()))
        _declare_default_database(self._path / "metadata")
        self._strings = {
            Role.READER: f"{self._path}?{rights}",
            Role.WRITER: f"{self._path}?{rights}&{unlimited()}",
        }
        self._lock = threading.Lock()
        self._control = self._open(Role.WRITER)  # the engine stays open as long as one handle does
        _leave_the_working_directory()  # which the engine asks for once, when it opens
        self._control_lock = threading.Lock()
        self._parsers = {role: _Parser(self._open(role, f"&max_query_size={4 * QUERY_BYTES_MAX}")) for role in Role}
        self._running: dict[tuple[Role, str], Query] = {}
        self._sessions: dict[tuple[Role, str], _Session | None] = {}  # None: a query of that session is running

    @contextmanager
    def running(self, request: Request, query: Query) -> Iterator[Answer]:
        """Runs the request's statement; its answer is read within the `with`. Raises QueryRefused, there too."""
        try:
            with self._known(query):
                statement = read_statement(request.text, self._parsers[query.role])
                _refuse_writing(statement, request, query.role)
                if statement.kind is Kind.KILL:
                    statement = self._killed(statement, query.role)
                with self._handle(request, query.role) as connection:
                    answer = self._run(connection, statement, request, query)
                    with closing(answer.pieces):
                        yield answer
        except (RuntimeError, chdb.ChdbError) as error:  # what the engine's binding raises
            raise from_engine(str(error)) from error
        finally:
            query.ended.set()

    def end(self, query: Query) -> None:
        """Ends a query, whatever it is doing, and returns when it has ended."""
        query.cancelled = True
        wait_s = 0.02
        while not query.ended.wait(wait_s):
            with self._control_lock:
                self._control.query(f"KILL QUERY WHERE Settings['log_comment'] = '{query.tag}' ASYNC")
            wait_s = min(1.0, 2 * wait_s)

    def end_soon(self, query: Query) -> None:
        """Ends a query, whatever it is doing; returns at once."""
        threading.Thread(target=self.end, args=(query,), daemon=True).start()

    def close(self) -> None:
        """Call when no query runs any more."""
        with self._lock:
            sessions = [session.connection for session in self._sessions.values() if session]
            parsers = [parser.connection for parser in self._parsers.values()]
            for connection in [*sessions, *parsers, self._control]:
                connection.close()
            self._sessions.clear()

    def _open(self, role: Role, more: str = "") -> Any:
        connection = chdb.connect(self._strings[role] + more)  # type: ignore[no-untyped-call]
        connection.query(f"SET ROLE {role}")
        return connection

    @contextmanager
    def _known(self, query: Query) -> Iterator[None]:
        key = (query.role, query.query_id)
        with self._lock:
            if key in self._running:
                raise QueryRefused(
                    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
                    f"Query with id = {query.query_id} is already running. (QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING)",
                )
            self._running[key] = query
        try:
            yield
        finally:
            with self._lock:
                del self._running[key]

    @contextmanager
    def _handle(self, request: Request, role: Role) -> Iterator[Any]:
        """A handle, in the database and with the settings that the request asks for."""
        if not request.session_id:
            connection = self._open(role)
            try:
                yield connection
            finally:
                connection.close()
            return
        key = (role, request.session_id)
        connection = self._take(key)
        try:
            yield connection
        finally:
            with self._lock:
                del self._sessions[key]  # to the end: the dictionary is in order of use
                self._sessions[key] = _Session(connection, time.monotonic(), request.session_timeout_s)

    def _run(self, connection: Any, statement: Statement, request: Request, query: Query) -> Answer:
        if request.database:
            connection.query(f"USE {_identifier(request.database)}")
        settings = {name: value for name, value in request.settings.items() if name != "readonly"}
        if query.role is Role.WRITER and (settings.keys() & LIFTED or statement.kind is Kind.SET):
            connection.query(f"SET profile = '{Role.WRITER}'")  # whose limits may be set to anything
        before = _values(connection, settings) if request.session_id and settings else {}
        _set(connection, settings | {"log_comment": query.tag})
        if request.settings.get("readonly", "0") != "0" and not request.session_id:
            _set(connection, {"readonly": request.settings["readonly"]})  # the last: it can't be taken back
        if query.cancelled:
            raise QueryRefused(QUERY_WAS_CANCELLED, "Query was cancelled. (QUERY_WAS_CANCELLED)")
        answer = Answer(statement.format or request.default_format)
        if statement.kind is Kind.INSERT:
            answer.pieces = _insert(connection, statement, request, answer)
        elif statement.kind is Kind.SELECT and answer.format in _STREAMED:
            answer.pieces = _stream(connection, statement, request, answer)
        else:
            answer.pieces = _whole(connection, statement, request, answer)
        if before:
            answer.pieces = _afterwards(answer.pieces, connection, before)
        return answer

    def _take(self, key: tuple[Role, str]) -> Any:
        with self._lock:
            session = self._sessions.get(key)
            if key in self._sessions and session is None:
                raise QueryRefused(SESSION_IS_LOCKED, f"Session {key[1]} is busy. (SESSION_IS_LOCKED)")
            if session and time.monotonic() - session.idle_since_s > session.expires_after_s:
                session.connection.close()
                session = None
            if session is None:
                self._make_room()
            connection = session.connection if session else self._open(key[0])
            self._sessions[key] = None
            return connection

    def _make_room(self) -> None:
        now_s = time.monotonic()
        excess = len(self._sessions) - _SESSIONS_MAX + 1
        for position, (key, session) in enumerate(list(self._sessions.items())):
            if session and (position < excess or now_s - session.idle_since_s > session.expires_after_s):
                session.connection.close()
                del self._sessions[key]

    def _killed(self, statement: Statement, role: Role) -> Statement:
        """Ends the query that KILL QUERY names, if it may. Returns the statement that tells of it."""
        query_id, wait = statement.kill
        with self._lock:
            victim = self._running.get((Role.READER, query_id))
            if victim is None and role is Role.WRITER:
                victim = self._running.get((role, query_id))
        row = "SELECT '' AS kill_status, '' AS query_id, '' AS user, '' AS query LIMIT 0"
        if victim:
            if wait:
                self.end(victim)
            else:
                self.end_soon(victim)
            status = "finished" if wait else "waiting"
            row = (
                f"SELECT {_literal(status)} AS kill_status, {_literal(query_id)} AS query_id, 'default' AS user, "
                f"{_literal(victim.text)} AS query"
            )
        return Statement(Kind.SELECT, row.encode(), statement.format)


class _Parser:
    """The engine's parser, on a handle of its own for each role: what a reader sends holds up no writer."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._lock = threading.Lock()
        self._remembered = lru_cache(_PARSED_MAX)(self._canonical)

    def canonical(self, text: bytes) -> str:
        """As Parser has it."""
        return self._remembered(text) if len(text) <= _PARSED_BYTES_MAX else self._canonical(text)

    def reads(self, canonical: str) -> bool:
        """As Parser has it."""
        with self._lock:
            return bool(self.connection._conn.classify_query(canonical)["query_class"].name == "READ_ONLY")

    def _canonical(self, text: bytes) -> str:
        quoted = text.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
        try:
            with self._lock:
                found = self.connection.query(b"SELECT formatQuerySingleLine('" + quoted + b"')", "RawBLOB").bytes()
        except (RuntimeError, chdb.ChdbError) as error:
            message, _, rest = str(error).partition(": In scope SELECT formatQuerySingleLine(")
            raise from_engine(f"{message}. (SYNTAX_ERROR)" if rest else message) from error
        return bytes(found).decode(errors="surrogateescape")


def _refuse_writing(statement: Statement, request: Request, role: Role) -> None:
    if statement.kind not in (Kind.INSERT, Kind.WRITE):
        return
    if role is Role.READER:
        raise QueryRefused(ACCESS_DENIED, "Only the user posventa may write. (ACCESS_DENIED)")
    if request.reads_only:
        raise QueryRefused(
            READONLY, "Cannot execute query in readonly mode: use POST for what changes data. (READONLY)"
        )


def _insert(connection: Any, statement: Statement, request: Request, answer: Answer) -> Pieces:
    answer.wrote = True
    if request.parameters:
        _set(connection, {f"param_{name}": value for name, value in request.parameters.items()})
    with connection.send_insert(statement.text.decode(), statement.format) as inserter:
        inserter.append(statement.data)
        done = inserter.finish()
    answer.rows, answer.bytes = done.rows_written, done.bytes_written
    yield from ()


def _stream(connection: Any, statement: Statement, request: Request, answer: Answer) -> Pieces:
    with connection.send_query(statement.text, answer.format, params=request.parameters) as blocks:
        for block in blocks:
            answer.rows += block.rows_read()
            answer.bytes += block.bytes_read()
            yield bytes(block.bytes())


def _whole(connection: Any, statement: Statement, request: Request, answer: Answer) -> Pieces:
    result = connection.query(statement.text, answer.format, params=request.parameters)
    answer.wrote = statement.kind is Kind.WRITE
    answer.rows, answer.bytes = result.rows_read(), result.bytes_read()
    if answer.wrote:
        answer.rows, answer.bytes = result.rows_written(), result.bytes_written()
    yield bytes(result.bytes() or b"")


def _afterwards(pieces: Pieces, connection: Any, before: dict[str, str]) -> Pieces:
    """The settings of one request are gone in the next of the session."""
    try:
        yield from pieces
    finally:
        _set(connection, before)


def _values(connection: Any, names: dict[str, str]) -> dict[str, str]:
    asked = ", ".join(map(_literal, names))
    sql = f"SELECT name, value FROM system.settings WHERE name IN ({asked})"  # noqa: S608 - quoted
    found = connection.query(sql, "JSONCompactEachRow")
    return dict(json.loads(line) for line in bytes(found.bytes()).splitlines())


def _set(connection: Any, settings: dict[str, str]) -> None:
    connection.query("SET " + ", ".join(f"{name} = {_literal(value)}" for name, value in settings.items()))


def _declare_default_database(metadata: Path) -> None:
    """Makes `default` a database like any other, with the tables that it has.

    By itself the engine gives the database of that name every file of the machine as a table; it knows its own tables by
    a symbolic link to where they are.
    """
    metadata.mkdir(exist_ok=True)
    link, declared = metadata / "default", metadata / "default.sql"
    tables = link.readlink().name if link.is_symlink() else str(uuid.uuid4())
    if not declared.exists():
        declared.write_text(f"ATTACH DATABASE _ UUID '{tables}'\nENGINE = Atomic\n", encoding="utf-8")
    link.unlink(missing_ok=True)  # made anew by the engine


def _leave_the_working_directory() -> None:
    """Stands this process in a directory that is gone.

    The function `file`, and formats that read a schema or a template, ask for no right; all of them begin by asking for
    the working directory, and fail without one.
    """
    os.chdir(tempfile.mkdtemp())
    Path.cwd().rmdir()


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
