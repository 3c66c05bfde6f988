"""What holds for all tests: their folders are their marks, their examples have profiles, the compiled core is this one."""

import pytest
from hypothesis import settings

from streams.compiled import stale
from tests.support.examples import PROFILES
from tests.support.places import FOLDERS, TESTS

for name, profile in PROFILES.items():
    settings.register_profile(name, profile)
settings.load_profile("full")  # unless --hypothesis-profile says another


def pytest_configure(config: pytest.Config) -> None:
    """Refuses to test another program than the one that is written here. A mark for every folder."""
    if sources := stale():
        raise pytest.UsageError(f"{', '.join(sources)} changed after they were compiled: say `make setup`")
    for folder in FOLDERS:
        config.addinivalue_line("markers", f"{folder}: the tests in tests/{folder}, as tests/README.md says")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`pytest -m pure` runs tests/pure, and so on."""
    for item in items:
        item.add_marker(item.path.relative_to(TESTS).parts[0])
