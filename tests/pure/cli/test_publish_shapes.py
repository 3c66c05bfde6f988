"""posventa publish --as and posventa shapes, without a broker: what a dry run shows, which key is taken, what is misuse."""

import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from streams.cli.shaped import Keys
from streams.errors import Misuse
from streams.settings import Settings
from streams.shapes.catalogue import SHIPPED, shipped
from tests.support.command_line import Ended, run
from tests.support.shaped import KEY, SAMPLES

ADDRESS = re.compile(r"[\w.]+@example\.com")


def publish(tmp_path: Path, *words: str, key: str = KEY, **environment: str) -> Ended:
    mark = {"POSVENTA_PSEUDONYM_MARK": str(tmp_path / "key.mark")}
    keyed = {"POSVENTA_PSEUDONYM_KEY": key} if key else {}
    return run(["publish", *words], {**mark, **keyed, **environment})


def dry(tmp_path: Path, shape: str, *files: str, sets: tuple[str, ...] = ()) -> Ended:
    said = [word for pair in ("brand_id=norte", *sets) for word in ("--set", pair)]
    return publish(tmp_path, "--as", shape, *said, "--dry-run", "--json", *(str(SAMPLES / file) for file in files))


def test_a_dry_run_tells_counts_and_every_refusal(tmp_path: Path) -> None:
    ended = dry(tmp_path, "segment", "segment_track.jsonl", sets=("offering=PHYSICAL",))
    assert ended.code == 1
    (refused,) = json.loads(ended.out).pop("refused")
    assert {**json.loads(ended.out), "refused": 1} == {
        "sales": 2, "reversals": 1, "attributions": 0, "feedback": 0, "skipped": 0, "refused": 1,
    }  # fmt: skip
    assert refused == {
        "file": str(SAMPLES / "segment_track.jsonl"), "row": 3, "field": "amount",
        "detail": "amount: found nothing, expected a value: the field is required; it is read from properties.total",
    }  # fmt: skip


def test_a_dry_run_of_several_files_names_each(tmp_path: Path) -> None:
    ended = dry(tmp_path, "awin", "awin_transactions.json", "awin_transaction_notification.txt")
    found = json.loads(ended.out)
    assert (ended.code, found["attributions"]) == (1, 2)
    assert [(Path(one["file"]).name, one["row"], one["field"]) for one in found["refused"]] == [
        ("awin_transaction_notification.txt", 4, "sale_id")
    ]


def test_a_dry_run_shows_events_to_a_person_and_no_address(tmp_path: Path) -> None:
    words = [
        "--as",
        "shopify-orders",
        "--set",
        "brand_id=norte",
        "--dry-run",
        str(SAMPLES / "shopify_orders_export.csv"),
    ]
    ended = publish(tmp_path, *words)
    assert ended.code == 0
    assert '"amount": "77.7500"' in ended.out
    assert ended.out.splitlines()[-1] == "would publish 4 sales, 2 reversals of 4 rows; skipped 0, refused 0"
    assert not ADDRESS.search(ended.out + ended.err)
    assert KEY not in ended.out + ended.err


def test_a_mapping_of_ones_own_is_followed_and_its_faults_are_told_by_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(shipped("judgeme"))
    file = str(SAMPLES / "judgeme_reviews.csv")
    words = ("--map", str(mine), "--set", "brand_id=norte", "--dry-run", "--json", file)
    assert json.loads(publish(tmp_path, *words).out)["feedback"] == 2
    mine.write_text(mine.read_text().replace('score = "rating"', 'score = "rating["'))
    ended = publish(tmp_path, *words)
    line = mine.read_text().splitlines().index('score = "rating["') + 1
    assert ended.code == 2
    assert f"{mine}: line {line}: feedback.0.score.0.from: no JMESPath expression" in ended.err


JUDGEME = ("--as", "judgeme", "--set", "brand_id=norte", str(SAMPLES / "judgeme_reviews.csv"))


def test_without_a_key_nothing_of_a_file_with_addresses_is_published(tmp_path: Path) -> None:
    ended = publish(tmp_path, *JUDGEME, "--dry-run", key="")
    assert (ended.code, ended.out) == (2, "")
    assert "openssl rand -hex 32" in ended.err


def test_another_key_is_refused_until_said_otherwise(tmp_path: Path) -> None:
    mark, other = tmp_path / "key.mark", KEY[::-1]
    assert publish(tmp_path, *JUDGEME, "--dry-run").code == 0
    assert not mark.exists()  # a dry run remembers nothing
    assert keys(mark, KEY)().of("a@b") == keys(mark, KEY)().of("a@b")
    before = mark.read_text()
    assert (mark.stat().st_mode & 0o777, len(before)) == (0o600, 33)
    assert publish(tmp_path, *JUDGEME, "--dry-run").code == 0
    ended = publish(tmp_path, *JUDGEME, "--dry-run", key=other)
    assert ended.code == 2
    assert "another key than the one that" in ended.err
    assert other not in ended.err
    assert publish(tmp_path, *JUDGEME, "--dry-run", "--new-pseudonym-key", key=other).code == 0
    assert mark.read_text() == before
    with pytest.raises(Misuse, match="--new-pseudonym-key to begin anew"):
        keys(mark, other)()
    keys(mark, other, may_change=True)()
    assert mark.read_text() != before
    with pytest.raises(Misuse, match="another key"):
        keys(mark, KEY)()
    assert [path.name for path in tmp_path.iterdir()] == [mark.name]


def keys(mark: Path, key: str, *, may_change: bool = False) -> Keys:
    return Keys(Settings(pseudonym_key=SecretStr(key), pseudonym_mark=str(mark)), may_change=may_change, is_dry=False)


def test_the_key_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    by_file = publish(tmp_path, *JUDGEME, "--dry-run", key="", POSVENTA_PSEUDONYM_KEY_FILE=str(file))
    assert by_file.out == publish(tmp_path, *JUDGEME, "--dry-run").out
    both = publish(tmp_path, *JUDGEME, "--dry-run", POSVENTA_PSEUDONYM_KEY_FILE=str(file))
    assert (both.code, "both set" in both.err) == (2, True)
    file.write_text("short")
    short = publish(tmp_path, *JUDGEME, "--dry-run", key="", POSVENTA_PSEUDONYM_KEY_FILE=str(file))
    assert (short.code, "at least 16 characters" in short.err, "short" in short.err) == (2, True, False)
    none = publish(tmp_path, *JUDGEME, "--dry-run", key="", POSVENTA_PSEUDONYM_KEY_FILE=str(tmp_path / "nowhere"))
    assert (none.code, "No such file" in none.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--as", "shopify", "x"], "no such shape; there are shopify-orders"),
        (["--as", "stripe"], "use: posventa publish"),
        (["--as", "stripe", "--topic", "sales", "x"], "use: posventa publish"),
        (["--topic", "sales", "--dry-run", "x"], "use: posventa publish"),
        (["--topic", "sales", "x", "y"], "use: posventa publish"),
        (["--as", "stripe", "--set", "brand", "x"], "expected NAME=VALUE"),
        (["--as", "stripe", "--set", "brand_id=a", "--set", "brand_id=b", "x"], "twice"),
        (["--as", "stripe", "--set", "brand_id=a", "x"], "nothing says offering"),
        (["--as", "awin", "--set", "brand_id=a", "--set", "colour=red", "x"], "colour: no field and no variable"),
        (["--as", "awin", "--set", "brand_id=a", "--set", "zone=Mars", "x"], "no time zone"),
        (["--as", "awin", "--set", "brand_id=a", "--dry-run", "nowhere"], "nowhere: No such file"),
        (["--map", "nowhere.toml", "x"], "nowhere.toml: No such file"),
    ],
)
def test_what_can_not_be_done_is_misuse(tmp_path: Path, words: list[str], told: str) -> None:
    ended = publish(tmp_path, *words)
    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_shapes_lists_what_is_shipped_and_shows_a_mapping() -> None:
    assert [one["shape"] for one in json.loads(run(["shapes", "--json"], {}).out)] == list(SHIPPED)
    assert all(name in run(["shapes"], {}).out for name in SHIPPED)
    assert run(["shapes", "stripe"], {}).out == shipped("stripe")
    (told,) = json.loads(run(["shapes", "awin", "--json"], {}).out)
    assert (told["variables"], told["mapping"]) == ({"zone": "Europe/London"}, shipped("awin"))
    assert run(["shapes", "nothing"], {}).code == 2
