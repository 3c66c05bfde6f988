"""The fault matrix finds every difference, and its inputs hold what hurts."""

from collections import Counter

from tests.faults.inputs import make_input
from tests.faults.snapshot import Snapshot, differences


def test_a_line_lost_doubled_or_changed_is_a_difference_in_every_field() -> None:
    def with_lines(*lines: str) -> Snapshot:
        return Snapshot(*(Counter(lines) for _ in Snapshot.__slots__))

    good = with_lines("[1,10]", "[2,20]")
    assert differences(good, good) == []
    for bad in (with_lines("[1,10]"), with_lines("[1,10]", "[2,20]", "[2,20]"), with_lines("[1,10]", "[2,40]")):
        found = differences(bad, good)
        assert {line.partition(":")[0] for line in found} == set(Snapshot.__slots__)


def test_an_input_is_a_function_of_its_seed_and_holds_what_hurts() -> None:
    once = make_input(1)
    assert once == make_input(1)
    assert once != make_input(2)
    assert len(once.head) + len(once.tail) - len(once.events) == 60  # refused
    assert once.void
