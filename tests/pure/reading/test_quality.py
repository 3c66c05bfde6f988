"""How well comments are read: no release reads worse than docs/reading.md says, and silence beats a guess."""

from collections import Counter

import pytest

from streams.reading.published import NEWEST, reader
from streams.reading.topics import TOPICS_OF
from tests.pure.reading.labelled import LANGUAGES, PARTS, found_in, measured, sentences

CASES = [(language, pack) for language in LANGUAGES for pack in TOPICS_OF]


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_enough_sentences_and_each_tells_what_it_tests(language: str) -> None:
    every = [one for pack in TOPICS_OF for one in sentences(language, pack)]
    assert len(every) >= 250
    assert all(one.tests and one.text for one in every)
    assert [text for text, times in Counter(one.text for one in every).items() if times > 1] == []


@pytest.mark.parametrize(("language", "pack"), CASES)
def test_every_topic_of_a_pack_is_praised_and_blamed_in_some_sentence(language: str, pack: str) -> None:
    labels = {label for one in sentences(language, pack) for choice in one.required for label in choice}
    assert {label.rstrip("+-!?") for label in labels} == TOPICS_OF[pack]


@pytest.mark.parametrize(("language", "pack"), CASES)
def test_what_is_found_is_right_and_most_is_found(language: str, pack: str) -> None:
    figures = measured(reader(NEWEST), sentences(language, pack))
    assert figures.right >= 0.9 * (figures.right + figures.wrong)
    assert figures.right >= 0.75 * (figures.right + figures.missed)
    assert figures.complaints_right >= 0.88 * (figures.complaints_right + figures.complaints_wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_said_of_what_is_not_specific(language: str) -> None:
    empty = [one for pack in TOPICS_OF for one in sentences(language, pack) if not one.required and not one.optional]
    noisy = [one.text for one in empty if found_in(reader(NEWEST), one)]
    assert len(noisy) <= 0.05 * len(empty), noisy


def test_what_was_not_told_is_told_apart() -> None:
    figures = measured(reader(NEWEST), [one for language, pack in CASES for one in sentences(language, pack)])
    assert figures.untold_right >= 0.85 * (figures.untold_right + figures.untold_wrong)
    assert figures.untold_right >= 0.5 * (figures.untold_right + figures.untold_missed)


def test_sealed_and_open_sentences_are_both_there() -> None:
    for language, pack in CASES:
        assert all(len(sentences(language, pack, (part,))) >= 25 for part in PARTS)
