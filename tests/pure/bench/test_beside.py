"""A commit beside another: the arithmetic of ratios, intervals and limits, and what is said of two trees. No engine."""

import io
import json
import random
import subprocess
import sys
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import results
from bench.beside.asking import Tree, alternate, answer
from bench.beside.comparing import interval, of_round, ratio, turns, verdict
from bench.beside.rounds import differences, outcomes
from bench.beside.trees import ROOT, beside
from bench.ground import Wrong
from bench.once import PROTOCOL, WHOLE, Outcome, Units
from bench.stages import Stages
from sinks.tables import ANSWERS


def _units(*us: float) -> list[dict[str, float]]:
    return [{"whole": each} for each in us]


def test_the_two_take_turns_and_each_is_first_as_often() -> None:
    assert list(islice(turns(), 4)) == [(0, 1), (1, 0), (0, 1), (1, 0)]


def test_a_ratio_is_within_a_pair_of_units_and_a_round_has_their_median() -> None:
    assert of_round(_units(10.0, 30.0, 60.0), _units(5.0, 20.0, 50.0), "whole") == (30.0, 20.0, 1.5)


def test_a_machine_that_slows_down_steadily_moves_no_median() -> None:
    """Equal programs, the second of each pair 3 % dearer than the first: the turns cancel it."""
    pairs = [(1.0, 1.03) if order == (0, 1) else (1.03, 1.0) for order in islice(turns(), 20)]
    _, _, found = of_round(_units(*(this for this, _ in pairs)), _units(*(that for _, that in pairs)), "whole")
    assert found == pytest.approx(1.0, abs=0.001)


def test_a_unit_during_which_others_used_the_machine_moves_no_round() -> None:
    assert of_round(_units(1.0, 1.0, 3.0, 1.0, 1.0), _units(1.0, 2.5, 1.0, 1.0, 1.0), "whole")[2] == 1.0


def test_what_is_next_to_nothing_is_no_divisor() -> None:
    """Garbage collection may never run, and what is left of a difference may be below nothing."""
    assert [ratio(*pair) for pair in ((0.0, 1.0), (1.0, 0.0), (1.0, -0.1), (-0.1, 1.0))] == [None] * 4
    assert of_round(_units(0.0, 3.0), _units(0.0, 2.0), "whole") == (1.5, 1.0, 1.5)
    assert of_round(_units(0.0), _units(0.0), "whole") == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("count", "outside", "probability"),
    # Tables of the sign test: for 20 the 6th and the 15th value, 0.9586; for 5 no pair reaches 95 %.
    [(1, 0, 0.0), (5, 0, 0.9375), (6, 0, 0.96875), (10, 1, 0.97852), (20, 5, 0.95861), (21, 5, 0.97340)],
)
def test_the_interval_is_that_of_the_sign_test(count: int, outside: int, probability: float) -> None:
    values = [float(number) for number in range(count)]
    random.Random(count).shuffle(values)
    found = interval(values)
    assert (found.low, found.high) == (outside, count - 1 - outside)
    assert found.probability == pytest.approx(probability, abs=1e-5)


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    """Of a skewed distribution with the median 1, as times are."""
    rng = random.Random(7)
    held = 0
    for _ in range(2000):
        low, high, _ = interval([rng.lognormvariate(0, 0.5) for _ in range(20)])
        held += low <= 1 <= high
    assert held / 2000 == pytest.approx(0.9586, abs=0.015)


@pytest.mark.parametrize(
    ("values", "within", "words"),
    [
        ([1.019, 1.02, 1.02] * 7, True, "within the limit of 2 %"),
        ([1.021, 1.022, 1.03] * 7, False, "over the limit of 2 %"),
        ([1.0, 1.03] * 10, True, "within the limit of 2 %; not certain"),
        ([1.01, 1.04] * 10, False, "over the limit of 2 %; not certain"),
    ],
)
def test_the_median_decides_and_the_interval_says_how_sure_that_is(
    values: list[float], within: bool, words: str
) -> None:
    found = verdict(values, 2)
    assert found.within is within
    assert words in found.words
    assert ("not certain" in found.words) is ("not certain" in words)


def test_a_limit_is_what_was_asked_for() -> None:
    assert verdict([1.04] * 20, 5).within
    assert not verdict([1.04] * 20, 3.5).within


def _measured(stages: Stages, records: int, seconds: float) -> None:
    """As if a unit of so many records had taken so long in each stage that is timed."""
    for stage in ("intake", "decode and validate", "RocksDB: read customers", "decode state", "cases before", "fold",
                  "encode state", "cases after", "changes", "of which RocksDB write", *WHOLE):  # fmt: skip
        stages.wall_s[stage] += seconds
        stages.cpu_s[stage] += seconds
    stages.records += records


def test_the_stages_of_the_limit_are_stages_and_none_is_part_of_another() -> None:
    stages = Stages()
    _measured(stages, 1, 0.0)
    assert set(WHOLE) <= set(stages.microseconds())
    assert not any(stage.startswith("of which") for stage in WHOLE)


def test_each_unit_is_told_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though Stages adds up: 1 µs a record in the first unit, 3 in the second."""
    monkeypatch.setattr("sys.stdin", io.StringIO("go\ngo\n"))
    stages, units = Stages(), Units()
    units.turn(stages)
    _measured(stages, 1000, 0.001)
    units.turn(stages)
    _measured(stages, 500, 0.0015)
    units.add(stages)
    units.add(stages)
    assert [unit["fold"] for unit in units.done] == pytest.approx([1.0, 3.0])
    assert [unit["whole"] for unit in units.done] == pytest.approx([3.0, 9.0])


def test_a_measurement_ends_when_nobody_gives_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(SystemExit, match="nobody gives turns"):
        Units().turn(Stages())


def test_an_answer_is_a_line_of_json() -> None:
    assert answer("abc", f'{{"protocol": {PROTOCOL}, "whole_us": 1}}\n')["whole_us"] == 1


@pytest.mark.parametrize("output", ["", "no JSON", "[1]", "3", '{"whole_us": 1}'])
def test_what_is_no_answer_is_refused_with_what_was_found(output: str) -> None:
    with pytest.raises(Wrong, match="abc: expected a line of JSON with its protocol"):
        answer("abc", output)


def test_an_answer_of_another_protocol_is_refused() -> None:
    with pytest.raises(Wrong, match=f"protocol {PROTOCOL + 1} there, {PROTOCOL} here"):
        answer("abc", json.dumps({"protocol": PROTOCOL + 1}))


class _Scripted:
    """A measurement that has so many units, and notes in a list that both share when it was its turn."""

    def __init__(self, name: str, units: int, order: list[str]) -> None:
        self.name, self.left, self.order = name, units, order

    def hear(self, _: float) -> dict[str, Any]:
        return {"turn": True} if self.left else {"whole_us": self.name}

    def ask(self, word: str, *, seconds: float) -> dict[str, Any]:
        assert word == "go"
        self.order.append(self.name)
        self.left -= 1
        return self.hear(seconds)


@pytest.mark.parametrize(("units", "order"), [((3, 3), "abbaab"), ((1, 3), "abbb"), ((0, 2), "bb"), ((0, 0), "")])
def test_units_take_turns_until_both_are_done(units: tuple[int, int], order: str) -> None:
    taken: list[str] = []
    both: Any = [_Scripted("a", units[0], taken), _Scripted("b", units[1], taken)]
    assert alternate(both, 1.0) == [{"whole_us": "a"}, {"whole_us": "b"}]
    assert "".join(taken) == order


_ECHO = """
import itertools, json, os, sys
for line in itertools.chain([" ".join(sys.argv[1:])], sys.stdin):
    if line.startswith("fail"):
        sys.exit("it hurts")
    if not line.startswith("be silent"):
        print(json.dumps({"protocol": 1, "heard": line.strip(), "seed": os.environ["PYTHONHASHSEED"]}), flush=True)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree whose bench.once repeats what it hears."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "once.py").write_text(_ECHO)
    return Tree("abc", tmp_path)


def test_a_tree_is_asked_by_its_own_program(tree: Tree, tmp_path: Path) -> None:
    with tree.talk("stages", "file", log=tmp_path / "log", hash_seed=7) as talk:
        assert talk.hear(30) == {"protocol": 1, "heard": "stages file", "seed": "7"}
        assert talk.ask("publish", 3, seconds=30)["heard"] == "publish 3"


def test_a_program_that_ends_is_shown_with_its_last_lines(tree: Tree, tmp_path: Path) -> None:
    with tree.talk("stages", log=tmp_path / "log") as talk:
        talk.hear(30)
        with pytest.raises(Wrong, match=r"abc: bench\.once stages ended:\nit hurts"):
            talk.ask("fail", seconds=30)
        with pytest.raises(Wrong, match="ended"):
            talk.ask("again", seconds=30)


def test_a_program_that_does_not_answer_is_not_waited_for(tree: Tree, tmp_path: Path) -> None:
    with tree.talk("ground", log=tmp_path / "log") as talk:
        talk.hear(30)
        with pytest.raises(Wrong, match=r"abc: bench\.once ground: no answer in 0 s"):
            talk.ask("be silent", seconds=0.01)


def _prepared(**other: Any) -> dict[str, Any]:
    return {"records_digest": "d", "compiled": True, "versions": {"lz4": "4.4"}} | other


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"records_digest": "e"}, "different records"),
        ({"compiled": False}, "Only one of the two cores is compiled"),
        ({"versions": {"lz4": "4.5"}}, r"lz4 4.4 / 4.5"),
    ],
)
def test_what_is_not_alike_but_for_the_commit_is_said(other: dict[str, Any], said: str) -> None:
    assert differences(_prepared(), _prepared()) == []
    assert differences(_prepared(), _prepared(versions={"lz4": "4.4", "a tool": "1"})) == []
    (remark,) = differences(_prepared(), _prepared(**other))
    assert said in remark


def _unit(changed: dict[bytes, bytes | None], row: bytes) -> Any:
    return SimpleNamespace(changed=changed, rows={ANSWERS: {b"k": row}})


def _came_out(unit: Any, **other: Any) -> dict[str, Any]:
    outcome = Outcome()
    outcome.see(unit)
    return {"records": 10, "rows": 3, "changed": 2, "outcome": outcome.digests()} | other


def test_equal_outcomes_are_equal_in_any_order() -> None:
    there = _came_out(_unit({b"a": b"1", b"b": None}, b"row"))
    assert outcomes(there, _came_out(_unit({b"b": None, b"a": b"1"}, b"row"))).startswith("Both make the same")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (_came_out(_unit({b"a": b"2"}, b"row")), "bytes of the changed state."),
        (_came_out(_unit({b"a": b"1"}, b"other")), "bytes of the rows."),
        (_came_out(_unit({b"a": b"1"}, b"row"), rows=4), r"rows per 10 records (3 / 4)."),
    ],
)
def test_what_comes_out_differently_is_said(other: dict[str, Any], said: str) -> None:
    remark = outcomes(_came_out(_unit({b"a": b"1"}, b"row")), other)
    assert remark.startswith("The two do not make the same")
    assert remark.endswith(said)


def test_the_page_names_both_commits_and_the_verdict() -> None:
    figures = {"this": [2.0] * 20, "beside": [1.0] * 20, "ratios": [2.0] * 20}
    nothing: dict[str, list[float]] = {"this": [0.0] * 20, "beside": [0.0] * 20, "ratios": []}
    result = {
        "this": "aaaaaaa", "beside": "bbbbbbb", "named": "v1", "limit_percent": 2, "remarks": ["Both make the same."],
        "sizes": {"records": 100, "rounds": 20, "job_records": 300, "job_rounds": 3},
        "stages": {"whole": figures, "fold": figures, "garbage collection": nothing},
        "throughput": {"figures": {"records/s": figures}, "wrong": ["it ended"]},
    }  # fmt: skip
    origin = {"date": "2026-01-01", "commit": "aaaaaaa", "machine": "2 cores", "versions": {"CPython": "3.11"}}
    page = results.page({"beside": {"origin": origin, "result": result}})
    assert "**aaaaaaa**, beside **bbbbbbb** (v1)" in page
    assert "| fold | 2.00 | 1.00 | 2.000 … **2.000** … 2.000 | 2.000 to 2.000 (96%) |" in page
    assert "| garbage collection | 0.00 | 0.00 | - | - |" in page
    assert "over the limit of 2 %.**" in page
    assert "does not count: it ended" in page


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="these sources are no git tree")
def test_a_commit_that_is_not_there_is_said_before_anything_is_built(tmp_path: Path) -> None:
    with (
        pytest.raises(Wrong, match="no-such: no such commit"),
        beside("no-such", tmp_path, keep=False, say=print),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="these sources are no git tree")
def test_a_directory_at_another_commit_is_neither_taken_for_it_nor_removed(tmp_path: Path) -> None:
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message", "of another project"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@y", "-C", str(tmp_path), *command], check=True)
    with (
        pytest.raises(Wrong, match=f"{tmp_path} is at .*, expected .*: name another directory"),
        beside("HEAD", tmp_path, keep=False, say=print),
    ):
        pass
    assert (tmp_path / ".git").exists()
