"""A published reader is for ever: another word is another reader."""

import pytest

from schemas.measures import VERDICTS as OF_EVENTS
from streams.errors import Misuse
from streams.reading.pack_file import PackFault
from streams.reading.published import NEWEST, READERS, digest_of, files_of, made_of, reader
from streams.reading.reader import Reader
from streams.reading.topics import TOPIC_MEANINGS, VERDICT_MEANINGS
from tests.pure.reading.golden import kept
from tests.support.places import ROOT

TO_DO = "a published reader never changes: put the change into a folder and an id of its own (CONTRIBUTING.md)"


@pytest.mark.parametrize("reader_id", READERS)
def test_the_files_of_a_reader_are_those_that_were_published(reader_id: str) -> None:
    assert digest_of(files_of(reader_id)) == READERS[reader_id], TO_DO


@pytest.mark.parametrize("reader_id", READERS)
def test_a_reader_gives_what_it_gave_when_it_was_published(reader_id: str) -> None:
    made, count = reader(reader_id), 0
    for case, expected in kept(reader_id):
        found = made.read(case.comment, case.offering, case.language, case.scores, case.asked)
        assert [f"{finding.verdict}:{finding.topic}" for finding in found] == expected, (case, TO_DO)
        count += 1
    assert count > 1000


def test_each_folder_of_packs_is_a_published_reader() -> None:
    packs = ROOT / "streams" / "reading" / "packs"
    assert sorted(path.name for path in packs.iterdir()) == sorted(READERS)
    for reader_id in READERS:
        found = {str(path.relative_to(packs / reader_id)) for path in (packs / reader_id).rglob("*") if path.is_file()}
        assert found == set(files_of(reader_id))


def test_a_changed_word_changes_the_digest() -> None:
    texts = files_of(NEWEST)
    assert digest_of(texts | {"en/shop.txt": texts["en/shop.txt"] + "\n"}) != digest_of(texts)


def test_a_fault_in_any_file_of_a_reader_is_told_by_file_and_line() -> None:
    texts = files_of(NEWEST)
    lines = len(texts["es/service.txt"].splitlines())
    with pytest.raises(PackFault, match=rf"es/service\.txt:{lines + 1}: "):
        made_of("made-up", texts | {"es/service.txt": texts["es/service.txt"].rstrip("\n") + "\n[topic weather]\n"})


def test_an_unknown_reader_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Misuse, match="'rules-0' is no reader; there are rules-1"):
        reader("rules-0")


def test_a_reader_is_made_once() -> None:
    assert reader(NEWEST) is reader(NEWEST)
    assert isinstance(reader(NEWEST), Reader)
    assert reader(NEWEST).reader_id == NEWEST


def test_topics_and_verdicts_are_those_of_events() -> None:
    assert sorted(VERDICT_MEANINGS) == sorted(OF_EVENTS)
    assert all(slug == slug.lower() and len(slug) <= 64 for slug in TOPIC_MEANINGS)
