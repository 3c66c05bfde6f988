"""The changelog keeps a refusal until everything below it is in ClickHouse, and no longer."""

from streams.partition.kept_refusals import KeptRefusals


def test_a_refusal_is_given_up_once_and_not_before_its_row_is_in_clickhouse() -> None:
    kept = KeptRefusals()
    kept.add(10, [b"found at the claim", b"another"])
    kept.add(15, [b"of the next unit"])
    assert kept.give_up(9) == []
    assert kept.give_up(10) == [b"found at the claim", b"another"]
    assert kept.give_up(14) == []
    kept.add(20, [b"of the last unit"])
    assert kept.give_up(15) == [b"of the next unit"]
    assert kept.give_up(99) == [b"of the last unit"]
    assert kept.give_up(99) == []
