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

from sinks.tables import DATABASE
from sinks.views.catalogue import NAMES as VIEWS


class Role(StrEnum):
    """What a handle of the engine may do. Both are granted to the engine's only user; a handle takes one of them."""

    READER = "reader"
    WRITER = "writer"


VIEWS_KEPT_FROM_READERS: Final = frozenset({"comment"})
# Tables of `system` that tell what others ask, or of the machine's inside; a reader finds them empty.
SYSTEM_KEPT_FROM_READERS: Final = (
    "processes session_query_ids user_processes user_query_log errors warnings stack_trace backups asynchronous_inserts "
    "asynchronous_loader background_schedule_pool query_cache query_condition_cache schema_inference_cache disks "
    "storage_policies remote_data_paths dropped_tables dropped_tables_parts server_settings dns_cache settings_changes "
    "user_directories jemalloc_stats jemalloc_bins jemalloc_arena_bins events metrics dimensional_metrics "
    "histogram_metrics"
).split()

# No engine or function that reaches files or other servers (SOURCES, TABLE ENGINE), nothing about users, no SYSTEM: a
# table of such an engine that fails to start would keep the whole database from opening.
_WRITER_MAY: Final = (
    "SELECT, INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, CREATE TEMPORARY TABLE, DROP, TRUNCATE, OPTIMIZE, "
    "SHOW, CHECK, SET DEFINER"
)


class Limits(NamedTuple):
    """In bytes. Readers together take at most half of what the engine may, so writers always find room."""

    server_memory: int
    reader_memory: int  # of one query


READERS_AT_ONCE: Final = 8
READER_SECONDS: Final = 60  # unless a query asks for another time
_READER_SECONDS_MAX: Final = 300


def limits_of(memory_bytes: int) -> Limits:
    """The limits on a machine of so much memory. Half of it is left to Kafka, the workers and the rest."""
    return Limits(memory_bytes // 2, memory_bytes // 4 // READERS_AT_ONCE)


def memory_of_this_machine() -> int:
    """In bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class _Limit(NamedTuple):
    setting: str
    value: int  # for a reader who asks for nothing
    most: int
    least: int = 1  # 0 would be no limit


def _reader_limits(limits: Limits) -> list[_Limit]:
    gigabyte = 1_000_000_000
    return [
        _Limit("max_execution_time", READER_SECONDS, _READER_SECONDS_MAX),
        _Limit("max_memory_usage", limits.reader_memory, limits.reader_memory),
        _Limit("max_untracked_memory", 4 << 20, 4 << 20, 0),  # what a thread takes before it counts
        _Limit("max_result_rows", 100_000_000, 1_000_000_000, 0),  # clients send 0; bytes limit them all the same
        _Limit("max_result_bytes", gigabyte, gigabyte),
        _Limit("max_rows_to_read", 10_000_000_000, 100_000_000_000),
        _Limit("max_bytes_to_read", 100 * gigabyte, 100 * gigabyte),
        _Limit("max_temporary_data_on_disk_size_for_query", gigabyte, gigabyte),
        _Limit("max_query_size", 262_144, QUERY_BYTES_MAX),
        _Limit("max_parser_depth", 1000, 1000),
        _Limit("max_parser_backtracks", 1_000_000, 1_000_000),
        _Limit("max_ast_elements", 50_000, 500_000),
        _Limit("max_expanded_ast_elements", 500_000, 5_000_000),
    ]


QUERY_BYTES_MAX: Final = 2 << 20  # of a statement without its data
# A filter on the table beneath a view would tell of columns that the view does not show.
_CONSTANT: Final = ("dialect", "additional_table_filters", "use_query_cache")


def write_rights(directory: Path, limits: Limits) -> str:
    """Writes the configuration into `directory`. Returns the end of a connection string that names it."""
    users, config = directory / "users.xml", directory / "config.xml"
    users.write_text(_users(limits), encoding="utf-8")
    config.write_text(
        "<clickhouse>\n"
        f"<user_directories><users_xml><path>{_text(str(users))}</path></users_xml></user_directories>\n"
        # The engine makes its default database one whose tables are the machine's files; it gets a name nobody asks for.
        f"<default_database>{FILES_DATABASE}</default_database>\n"
        f"<max_server_memory_usage>{limits.server_memory}</max_server_memory_usage>\n"
        "</clickhouse>\n",
        encoding="utf-8",
    )
    return f"config-file={quote(str(config))}"


FILES_DATABASE: Final = "files_of_nobody"


def unlimited() -> str:
    """The part of a connection string that lifts a reader's limits: only whoever opens a handle can say it."""
    return "&".join(f"{limit.setting}=0" for limit in _reader_limits(Limits(1, 1)) if limit.setting in LIFTED)


LIFTED: Final = frozenset(
    "max_execution_time max_memory_usage max_result_rows max_result_bytes max_rows_to_read max_bytes_to_read "
    "max_temporary_data_on_disk_size_for_query".split()
)


def readable_views() -> list[str]:
    """What a reader may select from in the database posventa."""
    return [view for view in VIEWS if view not in VIEWS_KEPT_FROM_READERS]


def _users(limits: Limits) -> str:
    reader = _reader_limits(limits)
    settings = "".join(f"<{limit.setting}>{limit.value}</{limit.setting}>" for limit in reader)
    bounds = "".join(
        f"<{limit.setting}><min>{limit.least}</min><max>{limit.most}</max></{limit.setting}>" for limit in reader
    )
    constant = "".join(f"<{setting}><const/></{setting}>" for setting in _CONSTANT)
    lifted = "".join(f"<{limit.setting}>0</{limit.setting}>" for limit in reader if limit.setting in LIFTED)
    free = "".join(f"<{s}><min>0</min><max>{10**12}</max></{s}>" for s in sorted(LIFTED))
    kept = "".join(
        f"<{table}><filter>has(currentRoles(), '{Role.WRITER}')</filter></{table}>"
        for table in SYSTEM_KEPT_FROM_READERS
    )
    return (
        "<clickhouse>\n"
        # An acknowledged insert is in the table: no insert waits in a buffer of the engine (26.9 would by default).
        f"<profiles>\n<default><async_insert>0</async_insert>{settings}"
        f"<constraints>{constant}{bounds}</constraints></default>\n"
        f"<{Role.WRITER}>{lifted}<constraints>{free}</constraints></{Role.WRITER}>\n</profiles>\n"
        "<quotas><default/></quotas>\n"
        f"<roles>\n{_role(Role.WRITER, [f'GRANT {_WRITER_MAY} ON *.*'])}"
        f"{_role(Role.READER, [f'GRANT SELECT ON {DATABASE}.{view}' for view in readable_views()])}</roles>\n"
        "<users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>"
        f"<grants>{_queries(f'GRANT {role}' for role in Role)}</grants>"
        f"<databases><system>{kept}</system></databases></default></users>\n"
        "</clickhouse>\n"
    )


def _role(role: Role, grants: Iterable[str]) -> str:
    return f"<{role}><grants>{_queries(grants)}</grants></{role}>\n"


def _queries(statements: Iterable[str]) -> str:
    return "".join(f"<query>{statement}</query>" for statement in statements)


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
