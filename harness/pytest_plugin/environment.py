"""The environment of tests that are played: as it was before any conftest was loaded, and put back last of all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

#: The environment before any conftest was loaded.
OUTSIDE: Final = pytest.StashKey[dict[str, str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    early_config.stash[OUTSIDE] = dict(os.environ)


def pytest_itemcollected(item: pytest.Item) -> None:
    fixtures = getattr(item, "fixturenames", [])
    if "_environment" in fixtures:
        # Its end is the last: others put back what they found in the environment, in their own order.
        fixtures.remove("_environment")
        fixtures.insert(0, "_environment")


@pytest.fixture
def _environment() -> Iterator[ExitStack]:
    with ExitStack() as environment:
        yield environment
