"""The persistence of flows that name none."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from harness.flow.persistence.place import default_path
from harness.flow.persistence.protocol import FlowPersistence


@cache
def _sqlite(path: str) -> FlowPersistence:
    # Not many flows keep states.
    from harness.flow.persistence.sqlite import SQLiteFlowPersistence

    return SQLiteFlowPersistence(path)


_factory: Callable[[], FlowPersistence] | None = None


def set_flow_persistence_factory(factory: Callable[[], FlowPersistence] | None) -> None:
    """Have `factory` make the persistence of flows that name none; None takes that back."""
    global _factory  # noqa: PLW0603 - one default for the process, as its name says
    _factory = factory


def default_flow_persistence() -> FlowPersistence:
    """Return the persistence of flows that name none: what the factory makes, or else the SQLite file of `default_path`."""
    return _sqlite(default_path()) if _factory is None else _factory()
