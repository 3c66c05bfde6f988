"""What published readers give, kept for ever: golden/READER.tsv, one comment a line.

`python -m tests.pure.reading.golden` writes the newest reader's file, and its digest into streams/reading/published.py; it
refuses to once that reader is in a release's tag. The comments are our own sentences, and salads of the pack's words.
"""

import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from streams.reading.published import NEWEST, digest_of, files_of, made_of
from streams.reading.topics import PACK_OF, VERDICT_MEANINGS
from tests.pure.reading.labelled import HERE, LANGUAGES, sentences
from tests.support.places import ROOT

GOLDEN: Final = HERE / "golden"
_SALADS: Final = 150  # of each offering and language
_PUBLISHED: Final = ROOT / "streams" / "reading" / "published.py"


class Case(NamedTuple):
    """The arguments of one reading."""

    offering: str
    language: str | None
    scores: tuple[tuple[str, int], ...]
    asked: str | None
    comment: str


def kept(reader_id: str) -> Iterator[tuple[Case, list[str]]]:
    """The cases of a reader's file, each with its findings as `VERDICT:topic`."""
    for line in (GOLDEN / f"{reader_id}.tsv").read_text(encoding="utf-8").splitlines():
        offering, language, scores, asked, comment, *found = line.split("\t")
        given = tuple((metric, score) for metric, score in json.loads(scores))
        yield Case(offering, language or None, given, asked or None, json.loads(comment)), found


def line_of(case: Case, found: list[str]) -> str:
    """A case as a line of the file."""
    scores, comment = json.dumps(case.scores), json.dumps(case.comment, ensure_ascii=False)
    return "\t".join([case.offering, case.language or "", scores, case.asked or "", comment, *found])


def cases(reader_id: str) -> Iterator[Case]:
    """Sentences with and without score and question, and salads."""
    chance = random.Random(2026)
    for language in LANGUAGES:
        for offering, pack in PACK_OF.items():
            for one in sentences(language, pack):
                yield Case(offering, None, (), None, one.text)
                asked = chance.choice(["", "", *VERDICT_MEANINGS]) or None
                yield Case(offering, language, (("CSAT", chance.randint(1, 5)),), asked, one.text)
            texts = files_of(reader_id)
            words = sorted(
                set(re.findall(r"[^\W\d_]+", texts[f"{language}/words.txt"] + texts[f"{language}/{pack}.txt"]))
            )
            for _ in range(_SALADS):
                yield Case(offering, language, (), None, " ".join(chance.choices([*words, ",", "."], k=12)))


def main() -> None:
    """Writes the newest reader's golden file and digest."""
    texts = files_of(NEWEST)
    tagged = subprocess.run(
        ["git", "tag", "--contains", "HEAD~0"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    if tagged.strip():
        raise SystemExit(f"{NEWEST} is released: give the changed packs a new id, in a folder of their own")
    made = made_of(NEWEST, texts)
    lines = []
    for case in cases(NEWEST):
        found = made.read(case.comment, case.offering, case.language, case.scores, case.asked)
        lines.append(line_of(case, [f"{finding.verdict}:{finding.topic}" for finding in found]))
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / f"{NEWEST}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    source = _PUBLISHED.read_text(encoding="utf-8")
    _PUBLISHED.write_text(re.sub(rf'("{NEWEST}": )"[0-9a-f]*"', rf'\1"{digest_of(texts)}"', source), encoding="utf-8")
    print(f"{NEWEST}: {len(lines)} cases, {digest_of(texts)}; {Path(GOLDEN).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
