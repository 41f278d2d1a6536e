"""The persistence of flows that name none, and where it keeps states."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from harness.flow.persistence.protocol import FlowPersistence

#: Names the folder for what runs keep; without it, it is one of the project's name in the user's folder for data.
STORAGE_DIR: Final = "HARNESS_STORAGE_DIR"
_factory: Callable[[], FlowPersistence] | None = None


def default_path() -> str:
    """Return the file for states of flows: `flow_states.db` in the folder that HARNESS_STORAGE_DIR names.

    Without the variable that is `stream-harness/<name of the current folder>` where the system has its users keep data.
    """
    # Not many flows ask.
    import platformdirs

    named = os.environ.get(STORAGE_DIR)
    folder = Path(named) if named else Path(platformdirs.user_data_dir("stream-harness")) / Path.cwd().name
    return str(folder / "flow_states.db")


@cache
def _sqlite(path: str) -> FlowPersistence:
    # Not many flows keep states.
    from harness.flow.persistence.sqlite import SQLiteFlowPersistence

    return SQLiteFlowPersistence(path)


def set_flow_persistence_factory(factory: Callable[[], FlowPersistence] | None) -> None:
    """Have `factory` make the persistence of flows that name none; None takes that back."""
    global _factory  # noqa: PLW0603 - one default for the process, as its name says
    _factory = factory


def default_flow_persistence() -> FlowPersistence:
    """Return the persistence of flows that name none: what the factory makes, or else the SQLite file of `default_path`."""
    return _sqlite(default_path()) if _factory is None else _factory()
