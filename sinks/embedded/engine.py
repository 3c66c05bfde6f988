"""What becomes of a statement in the engine: who may say it, how its answer comes back, how it is ended.

Owns the queries that run, by their query_id. Handles are made elsewhere; the threads are the caller's.
Invariant: a statement that only its reader's handle could refuse is refused there, by the engine.
"""

import threading
import time
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sinks.embedded.errors import (
    ACCESS_DENIED,
    QUERY_WAS_CANCELLED,
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
    READONLY,
    UNKNOWN_FORMAT,
    QueryRefused,
    from_engine,
)
from sinks.embedded.handles import (
    EngineError,
    Handles,
    Reading,
    bring,
    formats_of,
    identifier,
    literal,
    set_settings,
    settings_of,
    take_away,
)
from sinks.embedded.protocol import Request
from sinks.embedded.rights import WHOLE_BYTES_MAX, Role
from sinks.embedded.statement import Purpose, Statement, read_statement
from sinks.loopback import WRITERS_NAME

# Formats without header and end: their blocks may be sent one by one as the engine makes them.
_STREAMED: Final = frozenset(
    "Native TabSeparated TSV TabSeparatedRaw TSVRaw CSV RowBinary JSONEachRow JSONLines NDJSON JSONCompactEachRow "
    "JSONStringsEachRow JSONCompactStringsEachRow MsgPack".split()
)

# Formats with which the engine's Python binding would answer Python objects.
_PYTHON_FORMATS: Final = frozenset({"dataframe", "arrowtable", "datastore", "debug"})

_COUNTS: Final = "read_rows read_bytes written_rows written_bytes result_rows result_bytes".split()

Pieces = Generator[bytes, None, None]


class Result:
    """What the engine gives back, piece by piece."""

    pieces: Pieces

    def __init__(self, form: str, content_type: str, purpose: Purpose) -> None:
        """Raises QueryRefused for a format that can't be sent."""
        if form.lower() in _PYTHON_FORMATS:
            raise QueryRefused(UNKNOWN_FORMAT, f"Unknown format {form}. (UNKNOWN_FORMAT)")
        self.format = form
        self.content_type = content_type
        self.purpose = purpose
        self.wrote = purpose in (Purpose.INSERT, Purpose.WRITE)
        self.streamed = purpose is Purpose.SELECT and form in _STREAMED
        # As X-ClickHouse-Summary names them. Whole after the last piece.
        self.counts = dict.fromkeys(_COUNTS, 0)
        self._began_ns = time.perf_counter_ns()

    def count(self, piece: Any) -> None:
        """Adds what the engine's binding tells of a piece; it calls rows of the result read, and those read storage's."""
        self.counts["read_rows"] += piece.storage_rows_read()
        self.counts["read_bytes"] += piece.storage_bytes_read()
        self.counts["written_rows"] += piece.rows_written()
        self.counts["written_bytes"] += piece.bytes_written()
        self.counts["result_rows"] += piece.rows_read()
        self.counts["result_bytes"] += piece.bytes_read()

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


class Engine:
    """Thread-safe. Opens the directory when made and keeps it until `close()`."""

    def __init__(self, directory: Path) -> None:
        """Raises RuntimeError when the directory can't be opened."""
        self._handles = Handles(directory)
        self._lock = threading.Lock()
        self._running: dict[tuple[Role, str], Query] = {}
        self._ending = self._handles.open(Role.WRITER)
        self._ending_lock = threading.Lock()
        self._formats = formats_of(self._ending)
        self._parsers = {role: Reading(self._handles.open(role)) for role in Role}

    @contextmanager
    def running(self, request: Request, query: Query) -> Iterator[Result]:
        """Runs the request's statement; its answer is read within the `with`. Raises QueryRefused, there too."""
        try:
            with self._known(query):
                statement = read_statement(request.text, self._parsers[query.role])
                _refuse_writing(statement, request, query.role)
                if statement.purpose is Purpose.KILL:
                    statement = self._killed(statement, query)
                with self._handles.handle(query.role, request) as connection:
                    asked = statement.format or request.default_format
                    result = Result(*self._formats.get(asked.lower(), (asked, "")), statement.purpose)
                    with _prepared(connection, request, query, result):
                        if query.cancelled:
                            raise QueryRefused(QUERY_WAS_CANCELLED, "Query was cancelled. (QUERY_WAS_CANCELLED)")
                        with closing(_pieces(connection, statement, request.parameters, result)) as result.pieces:
                            yield result
        except EngineError as error:
            raise from_engine(str(error)) from error
        finally:
            query.ended.set()

    def end(self, query: Query) -> None:
        """Ends a query, whatever it is doing, and returns when it has ended."""
        query.cancelled = True
        wait_s = 0.02
        while not query.ended.wait(wait_s):
            with self._ending_lock:
                self._ending.query(f"KILL QUERY WHERE Settings['log_comment'] = '{query.tag}' ASYNC")
            wait_s = min(1.0, 2 * wait_s)

    def end_soon(self, query: Query) -> None:
        """Ends a query, whatever it is doing; returns at once."""
        threading.Thread(target=self.end, args=(query,), daemon=True).start()

    def close(self) -> None:
        """Call when no query runs any more."""
        for parser in self._parsers.values():
            parser.connection.close()
        with self._ending_lock:
            self._ending.close()
        self._handles.close()

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

    def _killed(self, statement: Statement, killer: Query) -> Statement:
        """Ends the query that KILL QUERY names, if it may. Returns the statement that tells of it."""
        query_id, wait = statement.kill
        with self._lock:
            victim = self._running.get((Role.READER, query_id))
            if victim is None and killer.role is Role.WRITER:
                victim = self._running.get((killer.role, query_id))
        row = "SELECT '' AS kill_status, '' AS query_id, '' AS user, '' AS query LIMIT 0"
        if victim and victim is not killer:
            if wait:
                self.end(victim)
            else:
                self.end_soon(victim)
            status = "finished" if wait else "waiting"
            row = (
                f"SELECT {literal(status)} AS kill_status, {literal(query_id)} AS query_id, 'default' AS user, "
                f"{literal(victim.text)} AS query"
            )
        return Statement(Purpose.SELECT, row.encode(), statement.format)


@contextmanager
def _prepared(connection: Any, request: Request, query: Query, result: Result) -> Iterator[None]:
    """The handle as the request asks for it: tables, database, settings; a session has its own ones after."""
    with ExitStack() as after:
        for table in request.external:
            bring(connection, query.role, table)
            if request.session_id:
                after.callback(take_away, connection, table)
        if request.database:
            connection.query(f"USE {identifier(request.database)}")
        settings = request.settings
        if query.role is Role.READER and result.purpose is not Purpose.SET and (request.whole or not result.streamed):
            settings = {"max_result_bytes": str(WHOLE_BYTES_MAX)} | settings
        if request.session_id and settings:
            after.callback(set_settings, connection, settings_of(connection, settings))
        set_settings(connection, settings | {"log_comment": query.tag})
        if request.readonly != "0" and not request.session_id:
            set_settings(connection, {"readonly": request.readonly})  # the last: it can't be taken back
        yield


def _refuse_writing(statement: Statement, request: Request, role: Role) -> None:
    if statement.purpose not in (Purpose.INSERT, Purpose.WRITE):
        return
    if role is Role.READER:
        raise QueryRefused(ACCESS_DENIED, f"Only the user {WRITERS_NAME} may write. (ACCESS_DENIED)")
    if request.readonly != "0":
        raise QueryRefused(
            READONLY, "Cannot execute query in readonly mode: use POST for what changes data. (READONLY)"
        )


def _pieces(connection: Any, statement: Statement, parameters: Mapping[str, str], result: Result) -> Pieces:
    if statement.purpose is Purpose.INSERT:
        if parameters:
            set_settings(connection, {f"param_{name}": value for name, value in parameters.items()})
        with connection.send_insert(statement.text, statement.format) as inserter:
            inserter.append(statement.data)
            done = inserter.finish()
        result.counts |= {"written_rows": done.rows_written, "written_bytes": done.bytes_written}
    elif result.streamed:
        with connection.send_query(statement.text, result.format, params=parameters) as blocks:
            for block in blocks:
                result.count(block)
                yield bytes(block.bytes())
    else:
        whole = connection.query(statement.text, result.format, params=parameters)
        result.count(whole)
        yield bytes(whole.bytes() or b"")
