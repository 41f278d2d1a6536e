"""Claims about locks in a process that was forked while another thread held them."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from harness import BaseEvent, event_bus
from harness.bus.bus import listeners
from harness.fork import freed_by_fork
from harness.llm import call_stream_override
from harness.llm.output.usage import UsageCounter

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

TIMEOUT_S = 20.0
LOCK, REENTRANT = freed_by_fork(threading.Lock()), freed_by_fork(threading.RLock())
COUNTER, FOREIGN = UsageCounter(), SimpleNamespace(stream=False)


def used_foreign() -> bool:
    with call_stream_override(FOREIGN, stream=True):
        return bool(FOREIGN.stream)


#: What holds a lock, and what can be done where it is free: no False comes of it.
HELD: dict[str, tuple[Any, Callable[[], object]]] = {
    "a lock": (LOCK, lambda: LOCK.acquire(blocking=False)),
    "one that can be held twice": (REENTRANT, lambda: REENTRANT.acquire(blocking=False)),
    "a call of a foreign model": (call_stream_override(FOREIGN, stream=True), used_foreign),
    "the usage of a model": (COUNTER._lock, lambda: COUNTER.add(None)),
    "the listeners": (listeners._lock, lambda: event_bus.register_handler(BaseEvent, print)),
}


def forked(work: Callable[[], bool]) -> int:
    """Fork a process that ends with 0 where what it does is true; return its id."""
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return child


@pytest.mark.parametrize(("held", "use"), HELD.values(), ids=HELD.keys())
def test_what_another_thread_holds_is_free_in_a_forked_process(held: Any, use: Callable[[], object]) -> None:
    holds, released = threading.Event(), threading.Event()

    def hold() -> None:
        with held:
            holds.set()
            released.wait(TIMEOUT_S)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(TIMEOUT_S)
    child = forked(lambda: use() is not False)
    released.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_a_forked_process_leaves_what_the_forking_thread_was_in() -> None:
    foreign = SimpleNamespace(stream=False)
    child = -1
    try:
        with call_stream_override(foreign, stream=True):
            child = os.fork()
    finally:
        if child == 0:
            os._exit(1 if sys.exc_info()[0] or foreign.stream else 0)
    assert os.waitpid(child, 0)[1] == 0


class Held:
    """A lock that somebody else holds, who lets as much time pass as is waited for it."""

    def __init__(self, clock: list[float], failure: type[BaseException] | None) -> None:
        self.clock, self.failure = clock, failure
        self._at_fork_reinit = self.release = lambda: None

    def acquire(self, timeout: float) -> bool:
        self.clock.append(self.clock[-1] + timeout)
        if self.failure is not None:
            raise self.failure
        return False


@pytest.mark.parametrize("failure", [None, KeyboardInterrupt], ids=["in vain", "until Ctrl-C"])
def test_a_fork_waits_for_a_second_at_most_and_leaves_nothing_locked(
    failure: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("harness.fork.time", SimpleNamespace(monotonic=lambda: clock[-1]))
    # What goes wrong where a process forks is said there alone.
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)
    free = [freed_by_fork(threading.RLock(), is_awaited=True) for _ in range(20)]
    held = [freed_by_fork(Held(clock, failure), is_awaited=True) for _ in range(3)]
    assert os.waitpid(forked(lambda: True), 0)[1] == 0
    assert clock[-1] == 1.0, held
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.extend(lock.acquire(blocking=False) for lock in free))
    thread.start()
    thread.join()
    assert all(taken)


class Watched:
    """A lock that says when a fork waits for it."""

    def __init__(self) -> None:
        self.lock, self.is_awaited = threading.RLock(), threading.Event()
        self.release = self.lock.release
        self._at_fork_reinit = self.lock._at_fork_reinit  # type: ignore[attr-defined]

    def acquire(self, timeout: float) -> bool:
        self.is_awaited.set()
        return self.lock.acquire(timeout=timeout)


def test_a_fork_waits_for_who_is_in_what_has_locks_of_its_own() -> None:
    watched, holds, came_out = freed_by_fork(Watched(), is_awaited=True), threading.Event(), []

    def hold() -> None:
        with watched.lock:
            holds.set()
            came_out.append(watched.is_awaited.wait(TIMEOUT_S))

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(TIMEOUT_S)
    child = forked(lambda: came_out == [True] and watched.lock.acquire(blocking=False))
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    other = threading.Thread(target=lambda: came_out.append(watched.lock.acquire(blocking=False)))
    other.start()
    other.join()
    assert came_out == [True, True]
