"""The ClickHouse engine (chDB) of one directory, and a pool of handles to it.

Owns the directory and the process's only connection string: chDB lets one process open a path, once.
Invariant: a handle that a query may have changed (USE, SET, temporary tables) is never given to another session.
"""

import errno
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import chdb

from sinks.embedded.errors import NOT_ENOUGH_SPACE, SESSION_IS_LOCKED, QueryRefused, from_engine
from sinks.embedded.protocol import Request, Statement

_SESSIONS_MAX: Final = 256  # named sessions kept at once; the one idle longest makes room
_CHANGES_HANDLE: Final = frozenset({"USE", "SET", "CREATE", "DROP"})  # CREATE, DROP: of temporary tables

# An acknowledged insert is in the table: no insert waits in a buffer of the engine (26.9 would by default).
_ALWAYS: Final = ("SET async_insert = 0",)


class Result(NamedTuple):
    """What the engine gave back: the formatted body, what was read or written, and how long it took."""

    body: bytes
    rows: int
    bytes: int
    elapsed_ns: int


class _Handle:
    """One connection of the engine: what HTTP calls a session."""

    def __init__(self, path: Path) -> None:
        self.connection: Any = chdb.connect(str(path))  # type: ignore[no-untyped-call]
        self.database: str | None = "default"
        self.used_at_s = time.monotonic()
        self.expires_after_s = 0
        for sql in _ALWAYS:
            self.connection.query(sql)

    def close(self) -> None:
        self.connection.close()


class Engine:
    """Thread-safe. Opens the directory when made and keeps it until `close()`."""

    def __init__(self, directory: Path, scratch: Path) -> None:
        """`scratch` takes the data of running inserts; emptied here, since a killed process leaves files."""
        self._path = directory.resolve()
        self._scratch = scratch.resolve()
        self._scratch.mkdir(parents=True, exist_ok=True)
        for left_over in self._scratch.iterdir():
            if left_over.is_file():
                left_over.unlink()
        self._lock = threading.Lock()
        self._keeper = _Handle(self._path)  # the engine stays open as long as one handle does
        self._free: list[_Handle] = []
        self._sessions: dict[str, _Handle | None] = {}  # None: a query of that session is running

    def execute(self, request: Request) -> Result:
        """Runs the request's statement. Raises QueryRefused."""
        statement = request.statement
        assert statement is not None
        handle = self._take(request.session_id)
        reusable = False
        try:
            result = self._run(handle, request, statement)
            reusable = statement.first_word not in _CHANGES_HANDLE
            return result
        except RuntimeError as error:  # what the engine's binding raises; chdb.ChdbError is another class
            raise from_engine(str(error)) from error
        finally:
            self._give_back(handle, request, reusable)

    def close(self) -> None:
        """Call when no query runs any more."""
        with self._lock:
            for handle in [*self._free, *filter(None, self._sessions.values()), self._keeper]:
                handle.close()
            self._free.clear()
            self._sessions.clear()

    def _run(self, handle: _Handle, request: Request, statement: Statement) -> Result:
        began_ns = time.perf_counter_ns()
        connection = handle.connection
        database = request.database or (handle.database if request.session_id else "default")
        if database and database != handle.database:
            connection.query(f"USE {_identifier(database)}")
            handle.database = database
        changed: list[str] = []
        try:
            for name, value in request.settings.items():
                connection.query(f"SET {name} = {_literal(value)}")
                changed.append(name)
            answer = self._query(connection, statement, request.parameters)
        finally:
            for name in changed:
                connection.query(f"SET {name} = DEFAULT")
            for sql in _ALWAYS if changed else ():
                connection.query(sql)
        if statement.first_word == "USE":
            handle.database = None  # whatever it is now
        body = bytes(answer.bytes() or b"")
        return Result(body, answer.rows_read(), answer.bytes_read(), time.perf_counter_ns() - began_ns)

    def _query(self, connection: Any, statement: Statement, parameters: dict[str, str]) -> Any:
        if statement.data is None:
            return connection.query(statement.sql, statement.output_format, params=parameters)
        # Binary data cannot stand inside a statement, so it goes through a file.
        try:
            with tempfile.NamedTemporaryFile(dir=self._scratch, delete=True) as file:
                file.write(statement.data)
                file.flush()
                source = f" FROM INFILE {_literal(file.name)} COMPRESSION 'none' FORMAT {statement.data_format}"
                return connection.query(statement.sql + source.encode(), statement.output_format, params=parameters)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                where = f"no room on the disk of {self._scratch}"
                raise QueryRefused(NOT_ENOUGH_SPACE, f"{where}: free some. (NOT_ENOUGH_SPACE)") from error
            raise

    def _take(self, session_id: str) -> _Handle:
        with self._lock:
            if not session_id:
                return self._free.pop() if self._free else _Handle(self._path)
            if session_id in self._sessions:
                handle = self._sessions[session_id]
                if handle is None:
                    raise QueryRefused(SESSION_IS_LOCKED, f"Session {session_id} is busy. (SESSION_IS_LOCKED)")
                if time.monotonic() - handle.used_at_s > handle.expires_after_s:
                    handle.close()
                    handle = _Handle(self._path)
            else:
                self._make_room()
                handle = self._free.pop() if self._free else _Handle(self._path)
            self._sessions[session_id] = None
            return handle

    def _give_back(self, handle: _Handle, request: Request, reusable: bool) -> None:
        with self._lock:
            if request.session_id:
                handle.used_at_s, handle.expires_after_s = time.monotonic(), request.session_timeout_s
                del self._sessions[request.session_id]  # to the end: the dictionary is in order of use
                self._sessions[request.session_id] = handle
            elif reusable:
                self._free.append(handle)
            else:
                handle.close()

    def _make_room(self) -> None:
        now_s = time.monotonic()
        idle = [(name, handle) for name, handle in self._sessions.items() if handle is not None]
        excess = len(self._sessions) - _SESSIONS_MAX + 1
        for position, (name, handle) in enumerate(idle):
            if position < excess or now_s - handle.used_at_s > handle.expires_after_s:
                handle.close()
                del self._sessions[name]


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
