"""The words of the screens: every one in every language, and the language that was asked for."""

import pytest

from streams.words import LANGUAGES, WORDS, spoken


def test_every_word_is_there_in_every_language() -> None:
    assert set(LANGUAGES) == {"en", "es"}
    assert all(words.keys() == WORDS["en"].keys() and all(words.values()) for words in WORDS.values())


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["es", "en"], "es"),  # asked for, whatever the browser accepts
        (["", "es-MX", "en;q=0.5"], "es"),
        (["", "fr", " es;q=0.5"], "es"),
        (["xx", "fr"], "en"),
        (["../", ""], "en"),
        (["es_ES.UTF-8"], "es"),  # LANG
        (["est"], "en"),
        (["C.UTF-8"], "en"),
        ([], "en"),
    ],
)
def test_the_language_is_the_first_that_we_speak(tags: list[str], expected: str) -> None:
    assert spoken(tags) == expected
