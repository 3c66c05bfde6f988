"""tests/README.md tells of the folders, commands, profiles and makers that there are."""

import re

import pytest

from tests.support.examples import PROFILES
from tests.support.places import FOLDERS, ROOT, TESTS

PAGE = (TESTS / "README.md").read_text()


def test_the_page_lists_every_folder_and_no_other() -> None:
    assert sorted(re.findall(r"^\| `(\w+)/` \|", PAGE, re.MULTILINE)) == FOLDERS


def test_every_test_is_in_a_folder_of_the_page() -> None:
    assert [path.name for path in TESTS.glob("test_*.py")] == []


def test_the_page_names_every_profile() -> None:
    (profiles,) = re.findall(r"`--hypothesis-profile` chooses (.+?);", PAGE, re.DOTALL)
    assert re.findall(r"`([a-z]+)`", profiles) == list(PROFILES)


def test_the_page_names_commands_that_there_are() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make (\w+)`", PAGE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("path", re.findall(r"`((?:tests|bench|streams)/[\w/]+\.py)`", PAGE))
def test_a_maker_of_events_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_a_folder_is_a_mark(request: pytest.FixtureRequest) -> None:
    assert [mark.name for mark in request.node.iter_markers() if mark.name in FOLDERS] == ["docs"]
