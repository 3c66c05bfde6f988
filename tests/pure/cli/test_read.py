"""posventa read: findings of a file's comments, why, and how often they are right."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import run
from tests.support.commands_page import example_of, fits

LINES: list[dict[str, Any]] = [
    {"id": "a", "comment": "The box was crushed but support was helpful", "language": "en"},
    {"id": 2, "comment": "Great!", "language": "en"},
    {"id": "c", "comment": "No avisan que la prueba gratis se renueva sola", "offering": "SERVICE"},
    {"id": "d", "comment": "Das Paket kam viel zu spät"},
]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "comments.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return str(path)


def test_it_prints_a_line_of_json_for_each_comment(file: str) -> None:
    ended = run(["read", file, "--json"])
    assert ended.code == 0
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert told == [
        {"id": "a", "findings": ["DONE_RIGHT:support", "NEEDS_IMPROVEMENT:packaging"], "language": "en"},
        {"id": 2, "findings": [], "language": "en"},
        {"id": "c", "findings": ["MISSING_INFORMATION:renewal"], "language": "es"},
        {"id": "d", "findings": [], "language": None},
    ]
    assert fits(told[0], example_of("read"))


def test_it_shows_the_words_that_led_to_each_finding(file: str) -> None:
    assert "NEEDS_IMPROVEMENT:packaging  <- box was crushed" in run(["read", file, "--explain"]).out
    first = json.loads(run(["read", file, "--explain", "--json"]).out.splitlines()[0])
    assert first["words"] == ["support was helpful", "box was crushed"]


def test_it_reads_standard_input(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    whole = run(["read", file]).out
    for arguments in ([], ["-"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(file).read_bytes())))
        assert run(["read", *arguments]).out == whole


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", "not JSON"),
        ("[]", "line: found a JSON list"),
        ('{"id": "x"}', "comment: "),
        ('{"id": "x", "comment": "ok", "metric": "NPS", "score": 11}', "score: "),
        ('{"id": "x", "comment": "' + "x" * 2_000_000 + '"}', "not JSON"),
    ],
)
def test_a_bad_line_is_told_by_number_and_the_rest_is_read(tmp_path: Path, bad: str, why: str) -> None:
    path = tmp_path / "comments.jsonl"
    path.write_text(f"{json.dumps(LINES[0])}\n{bad}\n\n{json.dumps(LINES[1])}\n{bad}")
    ended = run(["read", str(path), "--json"])
    assert ended.code == 1
    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == ["a", 2]
    assert [line.partition(why)[0] for line in ended.err.splitlines()] == ["posventa: line 2: ", "posventa: line 5: "]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: No such file or directory; read takes a file of JSON Lines"),
        (["--reader", "rules-0", "x"], "'rules-0' is no reader; there are rules-1"),
        (["--audit", "3"], "--audit asks on standard input: name a file of comments"),
    ],
)
def test_misuse_says_what_to_do(arguments: list[str], words: str) -> None:
    ended = run(["read", *arguments])
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


def audited(monkeypatch: pytest.MonkeyPatch, file: str, answers: str, *options: str) -> tuple[str, str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    ended = run(["read", file, "--audit", "9", *options])
    assert ended.code == 0
    return ended.out, ended.err


def test_an_audit_asks_about_each_finding_and_tells_the_precision(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    out, err = audited(monkeypatch, file, "y\nwhat\nn\nyes\n", "--json")
    told = json.loads(out)
    assert (told["findings"], told["right"]) == (3, 2)
    assert told["low"] == pytest.approx(0.2077, abs=1e-4)
    assert told["high"] == pytest.approx(0.9385, abs=1e-4)
    assert err.count("is it right?") == 4
    assert "Great!" not in err


def test_an_audit_ends_when_nobody_answers_any_more(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    assert "precision 100.0%: 1 of 1 findings are right (95 %: 20.7% to 100.0%)" in audited(monkeypatch, file, "y\n")[0]
    assert "precision 0.0%: 0 of 1" in audited(monkeypatch, file, "s\nn\nq\n")[0]
    assert audited(monkeypatch, file, "")[0] == "no finding was judged\n"
