"""Which readers there are, and the files that each is made of.

Owns the published ids. Reads the package's own files, each once. Invariant: a published reader gives the same findings for
ever: its files are bound by their digest, and what it gives by tests/pure/reading/golden. Another word is another reader.
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from streams.errors import Misuse
from streams.reading.building import lexicon_of
from streams.reading.languages import READ_LANGUAGES, Voter
from streams.reading.letters import tokens
from streams.reading.pack_file import read_pack
from streams.reading.reader import Reader
from streams.reading.topics import TOPICS_OF

# id -> SHA-256 over its files. The newest last.
READERS: Final[dict[str, str]] = {
    "rules-1": "61bf6768c7ef4d12092aff7251f6ef1582219c2a0d644de765b750a77ef507bc",
}
NEWEST: Final = tuple(READERS)[-1]
_VOTES: Final = "languages.txt"


@cache
def reader(reader_id: str) -> Reader:
    """A published reader, made once per process in some tenths of a second. Raises Misuse for an id that is none."""
    if reader_id not in READERS:
        raise Misuse(f"{reader_id!r} is no reader; there are {', '.join(READERS)}")
    return made_of(reader_id, files_of(reader_id))


def files_of(reader_id: str) -> dict[str, str]:
    """The text of each file of a reader, by its name: `pt/shop.txt`."""
    folder = files("streams.reading") / "packs" / reader_id
    names = [f"{language}/{name}.txt" for language in READ_LANGUAGES for name in ("words", *TOPICS_OF)]
    return {name: (folder / name).read_text(encoding="utf-8") for name in (*names, _VOTES)}


def digest_of(texts: dict[str, str]) -> str:
    """What binds a reader to its files: SHA-256 over names and texts in the order of the names."""
    whole = hashlib.sha256()
    for name, text in sorted(texts.items()):
        whole.update(f"{name}\0{text}\0".encode())
    return whole.hexdigest()


def made_of(reader_id: str, texts: dict[str, str]) -> Reader:
    """A reader from its files. Raises PackFault, which names each faulty line."""
    lexicons = {
        pack: {
            language: lexicon_of(
                read_pack([(name, texts[name]) for name in (f"{language}/words.txt", f"{language}/{pack}.txt")], topics)
            )
            for language in READ_LANGUAGES
        }
        for pack, topics in TOPICS_OF.items()
    }
    words, letters = _votes(texts[_VOTES])
    return Reader(
        reader_id,
        lexicons,
        Voter(
            words, letters, {language: [lexicons[pack][language] for pack in lexicons] for language in READ_LANGUAGES}
        ),
    )


def _votes(text: str) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """`[es] words` and `[letters es] characters`, as many lines as it takes."""
    words, letters = dict[str, frozenset[str]](), dict[str, frozenset[str]]()
    into, heading = words, ""
    for line in text.splitlines():
        said = line.partition("#")[0].strip()
        if said.startswith("["):
            kind, _, rest = said.strip("[]").partition(" ")
            into, heading = (letters, rest) if kind == "letters" else (words, kind)
        elif said and into is letters:
            letters[heading] = letters.get(heading, frozenset()) | frozenset(said.replace(" ", ""))
        elif said:
            words[heading] = words.get(heading, frozenset()) | frozenset(tokens(said))
    return words, letters
