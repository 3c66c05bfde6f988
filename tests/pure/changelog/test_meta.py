"""A state that does not belong to today's topics, settings or ClickHouse is refused, never papered over."""

from dataclasses import asdict, replace
from typing import Any

import msgpack
import pytest

from streams.brokers.topics import SOURCES
from streams.changelog import meta
from streams.changelog.meta import Applied, Ground, Inherited, Log
from streams.domain.state import FORMAT
from streams.errors import Misuse, StateRefused

GROUND = Ground(8, 300, 7_776_000_000, "sales-id", "feedback-id")
LOGS = {topic: Log(10, 100) for topic in SOURCES}
META = meta.Meta(GROUND, 3, {topic: Applied(50, 1_700_000_000_000) for topic in SOURCES})


def test_a_meta_comes_back_from_its_bytes() -> None:
    assert meta.decode(meta.encode(META)) == META


def test_the_first_meta_begins_where_the_logs_begin() -> None:
    first = meta.first(GROUND, LOGS)
    assert {applied.offset for applied in first.applied.values()} == {10}
    assert first.claims == 0
    meta.check(0, first, GROUND, LOGS)


@pytest.mark.parametrize(
    "other",
    [
        {"partitions": 16}, {"pane_s": 600}, {"attribution_window_ms": 1}, {"sales_topic_id": "made again"},
        {"feedback_topic_id": "made again"}, {"format": FORMAT + 1},
    ],
)  # fmt: skip
def test_another_ground_is_refused_by_name_with_what_to_do(other: dict[str, Any]) -> None:
    with pytest.raises(
        (StateRefused, Misuse), match=f"{next(iter(other))}=.*(posventa rebuild|start from nothing)"
    ) as refused:
        meta.check(0, META, replace(GROUND, **other), LOGS)
    is_a_setting = other.keys() <= {"pane_s", "attribution_window_ms"}
    assert refused.type is (Misuse if is_a_setting else StateRefused)


@pytest.mark.parametrize("log", [Log(51, 100), Log(0, 49)])
def test_applied_offsets_outside_a_log_are_refused(log: Log) -> None:
    with pytest.raises(StateRefused, match="50 is the next offset to read"):
        meta.check(0, META, GROUND, LOGS | {SOURCES[1]: log})


def test_applied_offsets_at_both_ends_of_a_log_are_fine() -> None:
    meta.check(0, META, GROUND, {SOURCES[0]: Log(50, 100), SOURCES[1]: Log(0, 50)})


def test_a_changelog_of_which_something_was_deleted_is_refused() -> None:
    meta.check_changelog(0, "posventa.state.v1", Log(0, 100))
    with pytest.raises(StateRefused, match=r"posventa.state.v1\[0\] starts at offset 1.*cleanup.policy"):
        meta.check_changelog(0, "posventa.state.v1", Log(1, 100))


@pytest.mark.parametrize(("offset", "version"), [(201, 100), (200, 101)])
def test_a_clickhouse_ahead_of_the_state_is_refused(offset: int, version: int) -> None:
    meta.check_sink(0, META, 200, 200, 100)
    with pytest.raises(StateRefused, match="ClickHouse has rows up to"):
        meta.check_sink(0, META, 200, offset, version)


def test_a_claim_outranks_all_before_and_changes_no_version() -> None:
    claimed = META.claimed()
    assert claimed.claims == META.claims + 1
    assert claimed.version == META.version == 100
    assert META.advanced({SOURCES[0]: Applied(60)}).version == 110


def test_what_is_inherited_comes_back_and_counts_in_the_version() -> None:
    moved = META.moved_on(5)
    assert moved.version == META.version
    assert {applied.offset for applied in moved.applied.values()} == {0}
    assert moved.inherited == (Inherited(5, (50, 50)),)
    assert meta.decode(meta.encode(moved)) == moved
    assert meta.version_of(meta.encode(moved)) == moved.version
    assert meta.encode(META) == meta.encode(replace(moved, applied=META.applied, inherited=()))


def test_a_state_that_was_handed_over_is_refused_by_every_version_and_can_be_taken_back() -> None:
    raw = meta.encode(META)
    given = meta.handed_over(raw, 2)
    assert meta.handed_over(given, 2) == given
    assert meta.is_handed_over(given)
    assert not meta.is_handed_over(raw)
    assert (meta.applied_of(given), meta.version_of(given)) == (meta.applied_of(raw), META.version)
    assert meta.format_of(given) == meta.format_of(raw) == FORMAT
    with pytest.raises(StateRefused, match="handed over to generation 2 by posventa rebuild"):
        meta.check_format(0, given)
    with pytest.raises(StateRefused, match=r"format=.*handed over to generation 2 by posventa rebuild"):
        meta.check(0, meta.decode(given), GROUND, LOGS)  # as a version that knows of no generations has it
    assert meta.taken_back(given) == raw
    meta.check_format(0, raw)


def test_another_format_is_refused_before_anything_else_of_it_is_read() -> None:
    fields = dict(asdict(GROUND), format=FORMAT + 1, of_a_later_version=1)
    raw = msgpack.packb((sorted(fields.items()), 1, "of a later version"))
    with pytest.raises(StateRefused, match=rf"format={FORMAT + 1}.*posventa rebuild"):
        meta.check_format(0, raw)
