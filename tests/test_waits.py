"""Claims about waits that Ctrl-C ends, whenever it is pressed."""

from __future__ import annotations

import _thread
import queue
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from harness import StreamSession
from harness.llm.pump import iterated_in_loop
from harness.waits import acquire, take
from harness.workers import run_coroutine


def read_a_session(wait: Callable[[], None]) -> None:
    with StreamSession(wait) as session:
        list(session)


def read_a_model_that_is_async(wait: Callable[[], None]) -> None:
    async def items() -> AsyncIterator[int]:
        wait()
        yield 1

    list(iterated_in_loop(items))


def run_a_coroutine_beside_a_loop(wait: Callable[[], None]) -> None:
    async def inner() -> None:
        wait()

    async def outer() -> None:
        run_coroutine(inner)

    run_coroutine(outer)


def wait_for_a_lock(wait: Callable[[], None]) -> None:
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=wait, daemon=True).start()
    acquire(lock)


def wait_for_an_item(wait: Callable[[], None]) -> None:
    threading.Thread(target=wait, daemon=True).start()
    take(queue.SimpleQueue[int](), 60)


@pytest.mark.parametrize(
    "work",
    [
        read_a_session,
        read_a_model_that_is_async,
        run_a_coroutine_beside_a_loop,
        wait_for_a_lock,
        wait_for_an_item,
    ],
    ids=lambda work: work.__name__,
)
def test_a_signal_that_wakes_nobody_is_seen_all_the_same(work: Callable[[Callable[[], None]], None]) -> None:
    released = threading.Event()

    def interrupt() -> None:
        # A signal as it is after Python's last look and before the wait: noted, and no system call ends by it.
        _thread.interrupt_main()
        released.wait(60)

    try:
        with pytest.raises(KeyboardInterrupt):
            work(interrupt)
    finally:
        released.set()


def test_an_item_that_does_not_come_in_time_is_told_by_the_exception_of_queues() -> None:
    items = queue.SimpleQueue[int]()
    with pytest.raises(queue.Empty):
        take(items, 0.25)
    items.put(7)
    assert take(items, 0) == 7
