"""Letters: the same text gives the same tokens, however its accents are stored."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.reading.letters import tokens, word_forms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Llegó ROTO", ["llego", "roto"]),
        ("não é bom e não chegou", ["nao", "eh", "bom", "e", "nao", "chegou"]),
        ("it's, don’t", ["its", ",", "dont"]),
        ("wi-fi - 24h", ["wi", "fi", "-", "24", "h"]),
        ("late... very!!", ["late", "...", "very", "!!"]),
        ("great👍thanks", ["great", "👍", "thanks"]),
        ("straße", ["strasse"]),
        ("so\u00adft\ufeff", ["soft"]),
    ],
)
def test_words_lose_accents_and_capitals_and_breaks_stay(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(st.text(st.characters(max_codepoint=0x17F, exclude_characters="ǆŉĲĳĿŀ")))
def test_how_accents_are_stored_changes_nothing(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert tokens(unicodedata.normalize("NFD", composed)) == tokens(composed)


@given(st.text())
def test_tokens_are_words_numbers_or_breaks(text: str) -> None:
    for token in tokens(text):
        assert token[0].isascii() or not any(c.isascii() for c in token)
        assert token == token.lower() or not token.isascii()


def test_every_latin_letter_with_an_accent_has_a_base() -> None:
    accented = [chr(code) for code in range(0xC0, 0x180) if unicodedata.category(chr(code))[0] == "L"]
    lost = [letter for letter in accented if not tokens(letter)[0].isascii()]
    assert lost == list("ÞþĲĳĴĵĸĿŀŉŊŋ"[:2]) + [c for c in "ĲĳĸĿŀŉŊŋſ" if c in accented], sys.version


@pytest.mark.parametrize(
    ("token", "forms"),
    [
        ("muuuito", ["muuuito", "muito", "muuito"]),
        ("goood", ["goood", "god", "good"]),
        ("ameii", ["ameii", "amei"]),
        ("bom", ["bom"]),
    ],
)
def test_drawn_out_letters_are_taken_back(token: str, forms: list[str]) -> None:
    assert word_forms(token) == forms
