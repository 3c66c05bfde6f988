"""Laws of reading: a pure function, the same wherever it runs, and never slow."""

import json
import random
import subprocess
import sys
import time
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.validation import COMMENT_CHARACTERS_MAX, FINDINGS_MAX
from streams.reading.published import NEWEST, files_of, reader
from streams.reading.reader import prior_of
from streams.reading.topics import TOPICS_OF, VERDICT_MEANINGS
from tests.pure.reading.labelled import LANGUAGES, sentences
from tests.support.places import ROOT

MAX_MS: Final = 20
EVERY: Final = [one.text for language in LANGUAGES for pack in TOPICS_OF for one in sentences(language, pack)]
TAGS: Final = st.sampled_from([None, "en", "es-MX", "pt_BR", "fr", "", "zz", "PT"])
ASKED: Final = st.sampled_from([None, *VERDICT_MEANINGS])
SCORES: Final = st.sampled_from([(), (("NPS", 0),), (("CSAT", 5),), (("NPS", 10), ("CSAT", 1)), (("CES", 4),)])
WORDS: Final = sorted({word for text in files_of(NEWEST).values() for word in text.replace(",", " ").split()})
SALADS: Final = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)


def cpu_ms(text: str, offering: str, language: str) -> float:
    """The least of a few tries."""
    made, least = reader(NEWEST), 1e9
    for _ in range(3):
        begun = time.process_time()
        made.read(text, offering, language)
        least = min(least, (time.process_time() - begun) * 1000)
    return least


@given(
    st.one_of(st.text(), SALADS, st.sampled_from(EVERY)), st.sampled_from(["PHYSICAL", "SERVICE"]), TAGS, SCORES, ASKED
)
def test_findings_are_of_the_pack_alphabetical_and_few(
    text: str, offering: str, language: str | None, scores: tuple[tuple[str, int], ...], asked: str | None
) -> None:
    made = reader(NEWEST)
    found = made.read(text, offering, language, scores, asked)
    assert list(found) == sorted(set(found))
    assert len(found) <= FINDINGS_MAX
    assert {finding.topic for finding in found} <= TOPICS_OF["shop" if offering == "PHYSICAL" else "service"]
    if asked is not None:
        assert {finding.verdict for finding in found} <= {asked}
    told = made.explain(text, offering, language, scores, asked)
    assert tuple(reason.finding for reason in told.reasons) == found
    assert all(reason.words for reason in told.reasons)
    assert bool(told.language) >= bool(found)


@given(st.sampled_from(EVERY), st.sampled_from(["PHYSICAL", "SERVICE"]), SCORES)
def test_a_score_only_silences(text: str, offering: str, scores: tuple[tuple[str, int], ...]) -> None:
    def said(known: tuple[tuple[str, int], ...]) -> set[tuple[str, bool]]:
        found = reader(NEWEST).read(text, offering, None, known)
        return {(finding.topic, finding.verdict == "DONE_RIGHT") for finding in found}

    assert said(scores) <= said(())


def test_scores_that_disagree_say_nothing() -> None:
    low, middle, high = (("NPS", 6),), (("NPS", 7),), (("NPS", 9),)
    assert [prior_of(scores) for scores in ((), low, middle, high)] == [0, -1, 0, 1]
    assert prior_of((("CSAT", 2), ("NPS", 10))) == 0


@pytest.mark.parametrize("offering", ["", "physical", "BOTH"])
def test_what_was_sold_otherwise_is_not_read(offering: str) -> None:
    assert reader(NEWEST).read("The box was crushed", offering, "en") == ()


def test_capitals_accents_and_what_stands_around_change_nothing() -> None:
    made = reader(NEWEST)
    for text in EVERY:
        assert made.read(f"  {text.upper()} ", "PHYSICAL", "en") == made.read(text, "PHYSICAL", "en"), text


def test_order_of_reading_changes_nothing() -> None:
    made = reader(NEWEST)
    before = [made.read(text, "PHYSICAL") for text in EVERY]
    for text in (" ".join(WORDS[n : n + 50]) for n in range(0, len(WORDS), 50)):
        made.read(text, "PHYSICAL", "es")
    assert [made.read(text, "PHYSICAL") for text in reversed(EVERY)] == before[::-1]


_READ_ALL: Final = """
import json, sys
sys.path.insert(0, {root!r})
{plain}
from streams.reading.published import NEWEST, reader
texts = json.load(sys.stdin)
made = reader(NEWEST)
print(json.dumps([[made.read(text, offering, tag, (("CSAT", 1),)) for text in texts]
                  for offering in ("PHYSICAL", "SERVICE") for tag in (None, "en", "es", "pt")]))
"""


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
@pytest.mark.parametrize("plain", ["", "import tests.support.plain"])
def test_hash_seeds_and_compiling_change_nothing(seed: str, plain: str) -> None:
    chance = random.Random(7)
    texts = EVERY + [" ".join(chance.choices(WORDS, k=30)) for _ in range(200)]
    made = reader(NEWEST)
    expected: Any = [
        [made.read(text, offering, tag, (("CSAT", 1),)) for text in texts]
        for offering in ("PHYSICAL", "SERVICE")
        for tag in (None, "en", "es", "pt")
    ]
    code = _READ_ALL.format(root=str(ROOT), plain=plain)
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(texts), env={"PYTHONHASHSEED": seed}, cwd=ROOT,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == json.loads(json.dumps(expected))


def worst_words(language: str, pack: str, offering: str) -> list[str]:
    """The words of a pack by what 400 letters of each cost, the dearest first."""
    pool = sorted({word.strip("()?/.,*~") for word in WORDS if word.strip("()?/.,*~").isalpha()})
    chosen = random.Random(3).sample(pool, 400)
    return sorted(chosen, key=lambda word: -cpu_ms(f"{word} " * (400 // (len(word) + 1)), offering, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("pack", "offering"), [("shop", "PHYSICAL"), ("service", "SERVICE")])
def test_the_worst_comment_that_a_search_finds_is_read_in_time(language: str, pack: str, offering: str) -> None:
    """Hill climbing: repeated short phrases of the dearest words, each step keeping what costs more."""
    chance, dear = random.Random(11), worst_words(language, pack, offering)[:40]
    worst, phrase = 0.0, [dear[0]]
    for _ in range(60):
        tried = list(phrase)
        step = chance.random()
        if step < 0.5 or len(tried) < 2:
            tried.insert(chance.randrange(len(tried) + 1), chance.choice([*dear, ",", "-", "no", "not", "12"]))
        elif step < 0.8:
            tried[chance.randrange(len(tried))] = chance.choice(dear)
        else:
            tried.pop(chance.randrange(len(tried)))
        text = (" ".join(tried) + " ") * (COMMENT_CHARACTERS_MAX // len(" ".join(tried) + " ") + 1)
        cost = cpu_ms(text[:COMMENT_CHARACTERS_MAX], offering, language)
        if cost > worst:
            worst, phrase = cost, tried
    assert worst < MAX_MS, f"{worst:.1f} ms: {' '.join(phrase)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_twice_the_length_takes_twice_the_time(language: str) -> None:
    salad = " ".join(random.Random(5).choices(WORDS, k=3000))
    short, long = (min(cpu_ms(salad[:size], "PHYSICAL", language) for _ in range(3)) for size in (2_000, 10_000))
    assert long < 12 * short + 1


def test_what_is_longer_than_a_comment_may_be_is_cut() -> None:
    made = reader(NEWEST)
    assert made.read("x " * COMMENT_CHARACTERS_MAX + "the box was crushed", "PHYSICAL", "en") == ()
