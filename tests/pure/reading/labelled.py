"""Sentences and reviews with what a person found in them; and how well a reader finds the same.

sentences/  our own, by language; each names what it tests. The packs were made without looking at how the reader fails on
            those that are `sealed`, of which only figures are shown; 120 a language were written before the packs.
olist/      labels of the public Olist reviews by review_id; the texts stay in the data set, which is not here.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from schemas.events import Finding
from streams.reading.reader import Reader
from streams.reading.topics import PACK_OF, TOPICS_OF

HERE: Final = Path(__file__).parent
LANGUAGES: Final = ("en", "es", "pt")
PARTS: Final = ("open", "sealed")
_MARKS: Final = {"DONE_RIGHT": "+", "MISSING_INFORMATION": "!", "NOT_CONSIDERED": "?"}  # all others are complaints: -
_OFFERINGS: Final = {pack: offering for offering, pack in PACK_OF.items()}


class Labelled(NamedTuple):
    """A comment, what must be found in it (either of each set), and what may be found as well."""

    text: str
    offering: str
    language: str | None
    scores: tuple[tuple[str, int], ...]
    required: tuple[frozenset[str], ...]
    optional: frozenset[str]
    tests: str


@dataclass
class Figures:
    """Counts of findings, by topic and polarity, and of what must be found."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    complaints_right: int = 0
    complaints_wrong: int = 0
    untold_right: int = 0
    untold_wrong: int = 0
    untold_missed: int = 0
    quiet: int = 0  # comments without anything specific of which nothing was said
    empty: int = 0  # comments without anything specific


def sentences(language: str, pack: str, parts: Sequence[str] = PARTS) -> list[Labelled]:
    """Our own sentences of a language and pack."""
    return [one for part, one in _sentences(language) if part in parts and one.offering == _OFFERINGS[pack]]


def _sentences(language: str) -> Iterator[tuple[str, Labelled]]:
    for part, pack, expected, tests, text in _rows(HERE / "sentences" / f"{language}.tsv"):
        required, optional = labels(expected, pack)
        yield part, Labelled(text, _OFFERINGS[pack], None, (), required, optional, tests)


def olist(directory: Path, part: str) -> list[Labelled]:
    """The labelled reviews, with their texts and scores from the data set's directory."""
    with (directory / "olist_order_reviews_dataset.csv").open(encoding="utf-8-sig", newline="") as opened:
        reviews = {row["review_id"]: row for row in csv.DictReader(opened)}
    found = []
    for review_id, expected in _rows(HERE / "olist" / f"{part}.tsv"):
        review = reviews[review_id]
        score = ("CSAT", int(review["review_score"]))
        required, optional = labels(expected, "shop")
        text = review["review_comment_message"]
        found.append(Labelled(text, "PHYSICAL", "pt-BR", (score,), required, optional, review_id))
    return found


def labels(expected: str, pack: str) -> tuple[tuple[frozenset[str], ...], frozenset[str]]:
    """`delivery- size+|product+ ; price-` as what must and what may be found."""
    must, _, may = expected.partition(";")
    required = tuple(frozenset(choice.split("|")) for choice in must.split() if choice != "none")
    optional = frozenset(label for choice in may.split() for label in choice.split("|"))
    for label in frozenset().union(*required, optional):
        assert label[-1] in "+-!?", f"{label}: expected a topic and one of + - ! ?"
        assert label[:-1] in TOPICS_OF[pack], f"{label}: no topic of {pack}"
    return required, optional


def _rows(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def label_of(finding: Finding) -> str:
    """A finding as labels are written."""
    return finding.topic + _MARKS.get(finding.verdict, "-")


def _polar(label: str) -> str:
    return label[:-1] + ("+" if label[-1] == "+" else "-")


def found_in(reader: Reader, one: Labelled) -> frozenset[str]:
    """What a reader finds, as labels."""
    return frozenset(map(label_of, reader.read(one.text, one.offering, one.language, one.scores)))


def measured(reader: Reader, labelled: Iterable[Labelled]) -> Figures:
    """How a reader does on labelled comments."""
    figures = Figures()
    for one in labelled:
        _count(figures, one, found_in(reader, one))
    return figures


def _count(figures: Figures, one: Labelled, found: frozenset[str]) -> None:
    polar = frozenset(map(_polar, found))
    required = [frozenset(map(_polar, choice)) for choice in one.required]
    allowed = frozenset[str]().union(*required)
    right, wrong = polar & allowed, polar - allowed - frozenset(map(_polar, one.optional))
    figures.right += len(right)
    figures.wrong += len(wrong)
    figures.missed += sum(not choice & polar for choice in required)
    figures.complaints_right += sum(label.endswith("-") for label in right)
    figures.complaints_wrong += sum(label.endswith("-") for label in wrong)
    untold = {label for label in found if label.endswith("!")}
    expected = frozenset[str]().union(one.optional, *one.required)
    figures.untold_right += len(untold & expected)
    figures.untold_wrong += len(untold - expected)
    only_untold = [choice for choice in one.required if all(label.endswith("!") for label in choice)]
    figures.untold_missed += sum(not choice & found for choice in only_untold)
    if not one.required and not one.optional:
        figures.empty += 1
        figures.quiet += not found
