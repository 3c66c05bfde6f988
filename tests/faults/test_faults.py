"""A part of the fault matrix in every run of the tests, and proof that it finds what it is there to find.

`make faults` runs all of it.
"""

from collections.abc import Iterator

import pytest

from streams.embedded.kafka import EmbeddedKafka
from tests.faults.matrix import Matrix, Run
from tests.faults.stage import Stage

pytestmark = pytest.mark.timeout(600)  # the machines of CI are slow and shared


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("faults")
    stage = Stage(directory, EmbeddedKafka(directory / "kafka"))
    try:
        stage.start()
        yield stage
    finally:
        stage.stop()


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return Matrix()


@pytest.mark.parametrize(
    "case",
    ["kill at unit: commit under way", "pause at sink: before freshness", "term at claim: changelog read",
     "ClickHouse's answer lost", "ClickHouse emptied", "ClickHouse refuses for long"],
)  # fmt: skip
def test_a_stream_that_was_hurt_leaves_what_one_without_faults_leaves(stage: Stage, matrix: Matrix, case: str) -> None:
    outcome = matrix.perform(stage, Run(case, seed=3))
    assert outcome.wrong == []
    assert outcome.faults > 0


@pytest.mark.parametrize(
    ("mutant", "case", "found"),
    [
        # Woken when all is done, it takes the state back: its rows are too many, or the next claim finds a ClickHouse that is
        # ahead, whichever comes first.
        ("no_fence", "pause at unit: offsets sent", {"streams.errors.StateRefused", "tables"}),
        ("position_before_rows", "kill at sink: before affiliate_panes", {"tables"}),
        ("copy_before_commit", "kill at unit: offsets sent", {"changelog"}),
    ],
)
def test_a_rule_taken_out_is_found(stage: Stage, matrix: Matrix, mutant: str, case: str, found: set[str]) -> None:
    # A row that was lost heals when a later event touches its key, so one run may end right: of three, one does not.
    wrongs = []
    for seed in (3, 4, 5):
        wrongs.append(matrix.perform(stage, Run(case, seed), mutant).wrong)
        if found & {line.partition(":")[0] for line in wrongs[-1]}:
            return
    pytest.fail(f"{mutant} was not found: {wrongs}")
