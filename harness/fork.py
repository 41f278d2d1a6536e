"""What a process does that was forked from this one, where the system forks."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Final, TypeVar

L = TypeVar("L")
_locks: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
_awaited: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
#: Reentrant, since the garbage collector, or a signal handler, may make a lock anywhere.
_adding: Final = threading.RLock()
#: How long a fork waits for all locks together, in seconds.
_WAIT_S: Final = 1.0


class _Held(threading.local):
    """Of a thread that forks, the locks that it has taken for that."""

    def __init__(self) -> None:
        self.locks: list[Any] = []


_held: Final = _Held()


def after_fork(action: Callable[[], None]) -> None:
    """Have `action` called in every process that is forked from now on, before anything else of it; Windows forks none."""
    _at_fork(after_in_child=action)


def freed_by_fork(lock: L, *, is_awaited: bool = False) -> L:
    """Return a lock of `threading` that no other thread holds in a process that is forked: it is not in there.

    A reentrant one that the forking thread holds is its own in there, too. Whatever outlives one run, and is used from
    several threads, has such locks. One that is awaited guards what has locks of its own, as a library does: a fork waits
    until nobody is in there, for all such locks a second at most.
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
    deadline = time.monotonic() + _WAIT_S
    with _adding:
        awaited = list(_awaited)
    for lock in awaited:
        # One by one, since Ctrl-C may end this.
        if not _is_own(lock) and lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            _held.locks.append(lock)


def _release() -> None:
    while _held.locks:
        _held.locks.pop().release()


def _free() -> None:
    for lock in _locks:
        if lock in _held.locks or not _is_own(lock):
            lock._at_fork_reinit()
    _held.locks.clear()


def _is_own(lock: Any) -> bool:
    """Whether the current thread holds a reentrant lock; a plain one doesn't know who does."""
    return hasattr(lock, "_is_owned") and lock._is_owned()


freed_by_fork(_adding)
# First of all that is to be done in a child, which may need them.
_at_fork(before=_hold, after_in_parent=_release, after_in_child=_free)
