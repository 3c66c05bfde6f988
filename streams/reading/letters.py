"""A comment becomes tokens: words without accents and capitals, numbers, breaks.

Owns the tables of letters. They are our own, since those of Python change with its version and with them what is read.
Pure, and linear in the length of the text. Invariant: the same text gives the same tokens on every Python.
"""

import re
from typing import Final

_BASE: Final = {
    "a": "ÀÁÂÃÄÅĀĂĄàáâãäåāăąªǎ",
    "c": "ÇĆĈĊČçćĉċč",
    "d": "ÐĎĐðďđ",
    "e": "ÈÉÊËĒĔĖĘĚèéêëēĕėęě",
    "g": "ĜĞĠĢĝğġģ",
    "h": "ĤĦĥħ",
    "i": "ÌÍÎÏĨĪĬĮİìíîïĩīĭįı",
    "j": "Ĵĵ",
    "k": "Ķķ\u212a",
    "l": "ĹĻĽŁĺļľł",
    "n": "ÑŃŅŇñńņň",
    "o": "ÒÓÔÕÖØŌŎŐòóôõöøōŏőº",
    "r": "ŔŖŘŕŗř",
    "s": "ŚŜŞŠȘśŝşšș",
    "t": "ŢŤŦȚţťŧț",
    "u": "ÙÚÛÜŨŪŬŮŰŲùúûüũūŭůűų",
    "w": "Ŵŵ",
    "y": "ÝŶŸýŷÿ",
    "z": "ŹŻŽźżž",
    "ss": "ß",
    "ae": "Ææ",
    "oe": "Œœ",
    " ": "\xa0",
    "...": "…",
    "": "\xad\u200b\u200c\u200d\ufe0f\ufeff’‘´ʼ",
}


def _table() -> dict[str, str]:
    table = {letter: base for base, letters in _BASE.items() for letter in letters}
    return table | {chr(code): "" for code in range(0x300, 0x370)}  # accents that stand behind their letter


_TABLE: Final = _table()
_STRANGE: Final = re.compile(r"[^\x00-\x7f]")
# Portuguese `é` (is) is another word than `e` (and).
_IS: Final = re.compile(
    r"(?<![A-Za-z\u00c0-\u024f\u0300-\u036f])(?:[éÉ]|[eE]\u0301)(?![A-Za-z\u00c0-\u024f\u0300-\u036f])"
)
_TOKEN: Final = re.compile(r"[a-z]+|[0-9]+|[.;!?\n]+|[,():/|]+|(?<![a-z0-9])-+|[^\x00-\x7f]+")
_RUN: Final = re.compile(r"([a-z])\1\1+")


def tokens(text: str) -> list[str]:
    """The tokens of a text in their order: words of a-z, digits, and runs of what breaks a sentence or a clause.

    An apostrophe is no break: `don't` is `dont`.
    """
    if not text.isascii():
        if "é" in text or "É" in text or "\u0301" in text:
            text = _IS.sub("eh", text)
        text = _STRANGE.sub(_base, text)
    if "'" in text or "`" in text:
        text = text.replace("'", "").replace("`", "")
    return _TOKEN.findall(text.lower())


def _base(found: re.Match[str]) -> str:
    letter = found.group()
    return _TABLE.get(letter, letter)


def word_forms(token: str) -> list[str]:
    """How a word may have been meant, best first: as it stands, and with drawn-out letters once or twice."""
    forms = [token]
    if _RUN.search(forms[0]):
        forms.append(_RUN.sub(r"\1", forms[0]))
        forms.append(_RUN.sub(r"\1\1", forms[0]))
    elif len(forms[0]) > 3 and forms[0][-1] == forms[0][-2]:
        forms.append(forms[0][:-1])
    return forms
