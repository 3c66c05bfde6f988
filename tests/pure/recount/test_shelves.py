"""What is laid on a shelf is there, once, whoever laid it there."""

from pathlib import Path

from streams.recount.shelves import Shelves, shelf_of


def test_every_record_comes_back_once_from_its_shelf_however_much_there_is(tmp_path: Path) -> None:
    records = [(number, f"ünïcode {number}", b"\0" * 1000, None, ("a", 1 << 70)) for number in range(2000)]
    one, other = Shelves(tmp_path), Shelves(tmp_path)
    for record in records[:1500]:
        one.put(shelf_of(7, record[0]), record)
    for record in records[1500:]:
        other.put(shelf_of(7, record[0]), record)
    one.flush()
    other.flush()
    found = {number: list(Shelves(tmp_path).take(number)) for number in range(7)}
    assert sorted(record for own in found.values() for record in own) == records
    assert all(shelf_of(7, record[0]) == number for number, own in found.items() for record in own)
    assert not [*Shelves(tmp_path).take(0)]
    assert not [*tmp_path.iterdir()]
