"""Keys for clients that find theirs by themselves, while a run is played: official SDKs do not start without one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from harness.llm.credentials import no_credentials_needed
from harness.providers.registry import providers
from harness.providers.row import NOBODY

_lock = threading.Lock()
#: How many runs want the keys, and which variables were set for them.
_wanted = 0
_set: list[str] = []


@contextmanager
def keys_stand_in() -> Iterator[None]:
    """Let clients in this context do without a key.

    Where the environment lacks one that a provider's SDK looks for, it has a stand-in until the last such context is
    left. Nothing of it is recorded, and nothing reaches a provider.
    """
    _begin()
    try:
        with no_credentials_needed():
            yield
    finally:
        _end()


def _begin() -> None:
    global _wanted  # noqa: PLW0603 - the environment is the process's, too
    with _lock:
        _wanted += 1
        if _wanted > 1:
            return
        for row in providers():
            for name, value in row.placeholders.items():
                if value == NOBODY and not os.environ.get(name):
                    os.environ[name] = value
                    _set.append(name)


def _end() -> None:
    global _wanted  # noqa: PLW0603
    with _lock:
        _wanted -= 1
        while _wanted == 0 and _set:
            name = _set.pop()
            # What the run itself has set is its own.
            if os.environ.get(name) == NOBODY:
                del os.environ[name]
