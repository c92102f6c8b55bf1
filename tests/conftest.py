"""Shared by all tests; pytest puts this folder on the import path, so that tests find the twins beside it."""

import os

import pytest

# The tests' arrays are small: more threads would only wait for each other, here and in the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--network", action="store_true", help="run the tests that install packages from an index, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--network"):
        without = [item for item in items if item.get_closest_marker("network") is None]
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("network")])
        items[:] = without
