"""What a process does that was forked from this one, where the system forks."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final, TypeVar

L = TypeVar("L")
_locks: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
_awaited: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
_adding: Final = threading.Lock()
#: Of a thread that forks, the locks that it holds meanwhile.
_held: Final = threading.local()
#: How long a fork waits for each lock, in seconds.
_WAIT_S: Final = 1.0


def after_fork(action: Callable[[], None]) -> None:
    """Have `action` called in every process that is forked from now on, before anything else of it; Windows forks none."""
    _at_fork(after_in_child=action)


def freed_by_fork(lock: L, *, is_awaited: bool = False) -> L:
    """Return a lock of `threading` that nobody holds in a process that is forked: the thread that did is not in there.

    Whatever outlives one run, and is used from several threads, has such locks. One that is awaited guards what has locks
    of its own, as a library does: a fork waits until nobody is in there, for a second at most.
    """
    _locks.add(lock)
    if is_awaited:
        with _adding:
            _awaited.add(lock)
    return lock


def _at_fork(**actions: Callable[[], None]) -> None:
    register = getattr(os, "register_at_fork", None)
    if register is not None:
        register(**actions)


def _hold() -> None:
    with _adding:
        awaited = list(_awaited)
    _held.locks = [lock for lock in awaited if lock.acquire(timeout=_WAIT_S)]


def _release() -> None:
    for lock in _held.locks:
        lock.release()


def _free() -> None:
    for lock in _locks:
        lock._at_fork_reinit()


freed_by_fork(_adding)
# First of all that is to be done in a child, which may need them.
_at_fork(before=_hold, after_in_parent=_release, after_in_child=_free)
