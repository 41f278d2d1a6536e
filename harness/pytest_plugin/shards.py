"""One part of a run's tests: every N-th, and what shares costly work with others together with them."""

from __future__ import annotations

import re
from typing import Final

import pytest

_SHARD: Final = re.compile(r"(\d+)/(\d+)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    shard = config.getoption("--shard")
    if shard is None:
        return
    found = _SHARD.fullmatch(shard)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise pytest.UsageError(f"--shard {shard}: expected I/N with I from 1 to N, as in 2/5")
    index, of = int(found[1]), int(found[2])
    numbers: dict[object, int] = {}
    mine = [numbers.setdefault(_work(item), len(numbers)) % of == index - 1 for item in items]
    deselected = [item for item, chosen in zip(items, mine, strict=True) if not chosen]
    items[:] = [item for item, chosen in zip(items, mine, strict=True) if chosen]
    if deselected:
        config.hook.pytest_deselected(items=deselected)


def _work(item: pytest.Item) -> object:
    """Return what a test shares with others, so that it is done once: of its parameters, one may name it so."""
    parameters = getattr(item, "callspec", None)
    shared = [
        name
        for value in (parameters.params if parameters else {}).values()
        if (name := getattr(value, "shared_work", None))
    ]
    return (item.getparent(pytest.Class), *shared) if shared else item


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    # Of many shards, one may have no test at all.
    if session.config.getoption("--shard") is not None and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK
