"""Some of the attacks in every run of the tests, and proof that they would be noticed. `make attacks` sends 20,000."""

from pathlib import Path

from tests.attacks.grammar import Targets, attack
from tests.attacks.siege import CANARY, Siege


def test_no_attack_gets_out_of_the_database(tmp_path: Path) -> None:
    with Siege(tmp_path).standing() as siege:
        siege.attack(range(500))
    assert siege.wrong == []


def test_the_same_seed_is_the_same_attack() -> None:
    targets = Targets("/x/canary", "/x", 1)
    assert [attack(seed, targets) for seed in range(99)] == [attack(seed, targets) for seed in range(99)]
    assert len({attack(seed, targets).sql for seed in range(999)}) > 800
    assert CANARY not in "".join(attack(seed, targets).sql.decode() for seed in range(999))
