"""Who may do what in the embedded engine, and how much of the machine it may take, in the engine's own configuration.

Owns config.xml and users.xml, which are written anew at each start. The engine itself holds to them: a handle that took
the role `reader` is refused a base table, a file, another server and every change, whatever a statement looks like.
Invariant: what a reader may see is listed here, and nothing else can be granted while the engine runs.
"""

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape

from sinks.audience import FOR_THE_BRAND_ALONE
from sinks.tables import DATABASE
from sinks.views.catalogue import NAMES as VIEWS


class Role(StrEnum):
    """What a handle of the engine may do. Both are granted to the engine's only user; a handle takes one of them."""

    READER = "reader"
    WRITER = "writer"


# Tables of `system` that tell what others ask, or of the machine's inside; a reader finds them empty.
SYSTEM_KEPT_FROM_READERS: Final = (
    "processes session_query_ids user_processes user_query_log errors warnings stack_trace backups asynchronous_inserts "
    "asynchronous_loader background_schedule_pool query_cache query_condition_cache schema_inference_cache disks "
    "storage_policies remote_data_paths dropped_tables dropped_tables_parts server_settings dns_cache settings_changes "
    "user_directories jemalloc_stats jemalloc_bins jemalloc_arena_bins events metrics dimensional_metrics "
    "histogram_metrics"
).split()
# Nothing that reaches files or other servers (SOURCES; their engines need it), nothing about users, no SYSTEM. A table
# of such an engine that fails to start would keep the whole database from opening.
_WRITER_MAY: Final = (
    "SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE TEMPORARY TABLE, DROP, TRUNCATE, OPTIMIZE, "
    "SHOW, CHECK, SET DEFINER"
)
_BUT: Final = "REVOKE DROP DATABASE ON default.*"  # without it no handle opens any more
# The engine gives its default database every file of the machine as a table. It has this name, and nobody a right to it.
FILES_DATABASE: Final = "files_of_nobody"

READERS_AT_ONCE: Final = 8
QUERY_BYTES_MAX: Final = 2 << 20  # of a statement without its data
WHOLE_BYTES_MAX: Final = 256 << 20  # of a reader's answer that can't be sent piece by piece
_GIGABYTE: Final = 1_000_000_000


class Limits(NamedTuple):
    """In bytes. Readers together take at most half of what the engine may, so writers always find room."""

    server_memory: int
    reader_memory: int  # of one query


def limits_of(memory_bytes: int) -> Limits:
    """The limits on a machine of so much memory. Half of it is left to Kafka, the workers and the rest."""
    return Limits(memory_bytes // 2, memory_bytes // 4 // READERS_AT_ONCE)


def memory_of_this_machine() -> int:
    """In bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class _Bound(NamedTuple):
    """A setting as a reader finds it, and between which values a query may set it. 0 would be no limit."""

    setting: str
    value: int
    most: int
    least: int = 1

    def between(self) -> str:
        """As the engine wants it; it would take 0 threads for as many as there are cores, and fewer for too few."""
        return f"<min>{self.least}</min><max>{self.most}</max>" if self.least else f"<max>{self.most}</max>"


def _reader_bounds(limits: Limits) -> list[_Bound]:
    return [
        _Bound("max_execution_time", 60, 300),  # seconds
        _Bound("max_memory_usage", limits.reader_memory, limits.reader_memory),
        _Bound("max_result_rows", 100_000_000, _GIGABYTE, 0),  # clients send 0; bytes limit them all the same
        _Bound("max_result_bytes", _GIGABYTE, _GIGABYTE),
        _Bound("max_rows_to_read", 10 * _GIGABYTE, 100 * _GIGABYTE),
        _Bound("max_bytes_to_read", 100 * _GIGABYTE, 100 * _GIGABYTE),
        _Bound("max_temporary_data_on_disk_size_for_query", _GIGABYTE, _GIGABYTE),
    ]


# Of everybody: what a query may set so high that the limits above, or the process, would not hold. A view is read with the
# bounds of who made it, so nothing is here that would bind a writer.
_FOR_ALL: Final = (
    _Bound("max_threads", 0, 64, 0),  # 0: as many as the machine has cores
    _Bound("max_untracked_memory", 4 << 20, 4 << 20, 0),
    _Bound(
        "max_query_size", 4 * QUERY_BYTES_MAX, 4 * QUERY_BYTES_MAX
    ),  # as the parser writes it, or as a string in SQL
    _Bound("max_parser_depth", 1000, 1000),
    _Bound("max_parser_backtracks", 1_000_000, 1_000_000),
    _Bound("max_ast_elements", 50_000, 500_000),
    _Bound("max_expanded_ast_elements", 500_000, 5_000_000),
)
# Another language has another parser; a filter on the table beneath a view would tell of columns that it does not show;
# a cache of results takes memory that no query answers for.
_CONSTANT: Final = ("dialect", "additional_table_filters", "use_query_cache")
# The role in which a handle makes the tables that a query brings along, of the engine Memory; no statement runs in it.
BRINGER: Final = "bringer"


def write_rights(directory: Path, limits: Limits) -> str:
    """Writes the configuration into `directory`. Returns the end of a connection string that names it."""
    users, config = directory / "users.xml", directory / "config.xml"
    users.write_text(_users(limits), encoding="utf-8")
    config.write_text(
        "<clickhouse>\n"
        f"<user_directories><users_xml><path>{escape(str(users))}</path></users_xml></user_directories>\n"
        f"<default_database>{FILES_DATABASE}</default_database>\n"
        f"<max_server_memory_usage>{limits.server_memory}</max_server_memory_usage>\n"
        "</clickhouse>\n",
        encoding="utf-8",
    )
    return f"config-file={quote(str(config))}"


def taking(role: Role, limits: Limits) -> list[str]:
    """What a handle says, once and before anything else, to be of that role."""
    if role is Role.WRITER:
        return [f"SET ROLE {role}"]
    values = (f"{bound.setting} = {bound.value}" for bound in _reader_bounds(limits))
    return [f"SET ROLE {role}", f"SET profile = '{role}', {', '.join(values)}"]


def readable_views() -> list[str]:
    """What a reader may select from in the database posventa."""
    return [view for view in VIEWS if view not in FOR_THE_BRAND_ALONE]


def _users(limits: Limits) -> str:
    settings = "".join(f"<{bound.setting}>{bound.value}</{bound.setting}>" for bound in _FOR_ALL)
    constant = "".join(f"<{setting}><const/></{setting}>" for setting in _CONSTANT)
    kept = "".join(
        f"<{table}><filter>has(currentRoles(), '{Role.WRITER}')</filter></{table}>"
        for table in SYSTEM_KEPT_FROM_READERS
    )
    return (
        "<clickhouse>\n<profiles>\n"
        # An acknowledged insert is in the table: no insert waits in a buffer of the engine (26.9 would by default).
        f"<default><async_insert>0</async_insert>{settings}"
        f"<constraints>{constant}{_constraints(_FOR_ALL)}</constraints></default>\n"
        f"<{Role.READER}><constraints>{_constraints(_reader_bounds(limits))}</constraints></{Role.READER}>\n"
        "</profiles>\n<quotas><default/></quotas>\n<roles>\n"
        f"<{Role.WRITER}>{_grants([f'GRANT {_WRITER_MAY} ON *.*', _BUT])}</{Role.WRITER}>\n"
        f"<{Role.READER}>{_grants(_reader_may())}</{Role.READER}>\n"
        f"<{BRINGER}>{_grants(['GRANT CREATE TEMPORARY TABLE ON *.*'])}</{BRINGER}>\n"
        "</roles>\n<users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile>"
        f"<quota>default</quota>{_grants(f'GRANT {role}' for role in (*Role, BRINGER))}"
        f"<databases><system>{kept}</system></databases></default></users>\n</clickhouse>\n"
    )


def _constraints(bounds: Iterable[_Bound]) -> str:
    return "".join(f"<{bound.setting}>{bound.between()}</{bound.setting}>" for bound in bounds)


def _reader_may() -> list[str]:
    """Also system.*, which the engine lets everybody read; it shows of other tables only those that one may read."""
    names = [f"{DATABASE}.{view}" for view in readable_views()]
    return [f"GRANT SELECT ON {name}" for name in (*names, "information_schema.*", "INFORMATION_SCHEMA.*")]


def _grants(statements: Iterable[str]) -> str:
    return f"<grants>{''.join(f'<query>{statement}</query>' for statement in statements)}</grants>"
