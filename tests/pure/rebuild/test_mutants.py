"""The rules of a rebuild, taken out one at a time: each is found by one of the laws beside this."""

import random
from collections.abc import Callable
from typing import Final

import pytest

from streams.brokers.partitioner import partition_for
from streams.brokers.topics import SALES
from streams.generations.logs import SourceLayout
from tests.model.mutants import Mutant, applied
from tests.pure.generations.test_logs import published, readers
from tests.pure.rebuild import test_history as history


def past() -> None:
    """What was counted is counted, what was refused is refused, and nothing is said of it."""
    history.test_all_partitions_together_count_what_was_counted_and_refuse_what_was_refused(3, history.AFTER)


def full() -> None:
    """Who was full is as full as before."""
    history.test_who_was_full_is_as_full_as_before_in_whatever_order_it_is_read()


def limits() -> None:
    """What was accepted stays accepted."""
    history.test_what_was_accepted_stays_accepted_whatever_the_limits_are_today()


def unread() -> None:
    """What nobody has read is judged by one partition."""
    history.test_what_nobody_has_read_is_refused_and_published_again_by_one_partition_and_judged_by_the_count_of_then()


def apart() -> None:
    """What was read and what was not is never in one unit."""
    history.test_what_was_read_and_what_was_not_is_never_in_one_unit()


def once() -> None:
    """Each record is read once, where its key belongs."""
    rng = random.Random(4)
    stages = [([(rng.randbytes(3), rng.choice([None, None, 1])) for _ in range(60)], 2) for _ in range(3)]
    topic = published(2, stages)
    layout = SourceLayout(len(topic.ends), 2 * len(topic.ends), topic.raises)
    for record in topic.records:
        home = layout.home(record.key, SALES, record.log, record.offset)
        if record.is_right:
            assert home is not None
            assert readers(layout, record).count(home) == 1
        else:
            assert partition_for(record.key, layout.partitions) not in readers(layout, record)


_MAKER: Final = "streams.rebuild.history:PastMaker."
_LOGS: Final = "streams.generations.logs:SourceLayout."
MUTANTS: Final[tuple[tuple[Mutant, Callable[[], None]], ...]] = tuple(
    (Mutant(name, function, old, new, ()), law)
    for name, function, old, new, law in (
        ("records are published again", f"{_MAKER}_of_the_past", "unit.astray = []", "pass", past),
        ("every partition keeps the refusals", f"{_MAKER}_of_the_past", "if self._keeps_refusals else ()", "", past),
        ("the limits are applied anew", f"{_MAKER}_of_the_past", "self._unlimited", "self._limited", limits),
        ("letters are not looked at", f"{_MAKER}_known", "return self._past", "return None and self._past", full),
        ("a sibling's record is published again", f"{_MAKER}make", "if self._is_nobodys(found)", "", unread),
        ("siblings write letters too", f"{_MAKER}make", "self._forget(unit, [", "(unit, [", unread),
        ("units are mixed", f"{_MAKER}make", "if len(is_past) > 1:", "if False:", apart),
        ("older logs are left out", f"{_LOGS}spans", "return [*found.values(), ", "return [", once),
        ("cuts are not kept to", f"{_LOGS}spans", "Span(log, tuple(raised.cuts[topic][log] for topic in SOURCES))",
         "Span(log, None)", once),
        ("records are judged by today's count", f"{_LOGS}count", "return next(", "return self.logs or next(", once),
    )
)  # fmt: skip


@pytest.mark.parametrize(("mutant", "law"), MUTANTS, ids=lambda found: getattr(found, "name", ""))
def test_a_rule_taken_out_is_found(mutant: Mutant, law: Callable[[], None]) -> None:
    law()
    with applied(mutant), pytest.raises((AssertionError, pytest.fail.Exception)):
        law()
