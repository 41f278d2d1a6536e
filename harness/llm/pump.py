"""Bridges between sync and async iteration: one daemon thread does the foreign half, item by item, in order."""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from functools import partial
from typing import Final, TypeVar

from harness.bus.running_loop import running_loop, running_task
from harness.bus.scope import Run, Scope, current_run, current_scope, enter
from harness.waits import take
from harness.workers import Outcome, attempt, run_coroutine

T = TypeVar("T")
#: Items that a bridge holds at most.
_MOST_AHEAD: Final = 256


def ended(iterator: Iterator[T]) -> contextlib.AbstractContextManager[Iterator[T]]:
    """Close a generator when its reader leaves, whatever made it leave; other iterators have nothing to close."""
    return contextlib.closing(iterator) if isinstance(iterator, Generator) else contextlib.nullcontext(iterator)


def aended(iterator: AsyncIterator[T]) -> contextlib.AbstractAsyncContextManager[AsyncIterator[T]]:
    """Do as `ended` for an async generator."""
    return contextlib.aclosing(iterator) if isinstance(iterator, AsyncGenerator) else contextlib.nullcontext(iterator)


async def iterated_in_thread(make: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """Yield what `make()` yields in a thread of its own, as it comes; a thread that blocks never blocks the loop.

    The thread is ahead by as many items as `_ahead` says, and waits for its reader then.
    """
    import asyncio

    loop = running_loop()
    # The last thing that comes is how the other half ended.
    arrived: asyncio.Queue[T | Outcome[None]] = asyncio.Queue()
    unwanted = False
    #: Has something for each item that was read. Who closes the run may come in between any two steps of this thread, which
    #: must not hold a lock then, as that of a semaphore.
    room: queue.SimpleQueue[None] = queue.SimpleQueue()
    most, around = _ahead(), current_scope()
    # Of the thread's own, so that a reader who leaves ends what it is blocked in, such as a connection. Where a reader is
    # cancelled whose loop never gets to close it, the run around is what tells the thread.
    run = Run(current_run())

    def deliver(item: T | Outcome[None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed, nobody waits any more
            loop.call_soon_threadsafe(arrived.put_nowait, item)

    def iterate() -> None:
        enter(Scope("bridge", around.event_id, around, run, around.sinks, around.lookahead))
        with ended(make()) as iterator:
            for sent, item in enumerate(iterator, start=1):
                if unwanted:
                    return
                deliver(item)
                if sent >= most:
                    room.get()

    def leave() -> None:
        nonlocal unwanted
        unwanted = True
        room.put(None)

    run.on_cancel(leave)
    _start(lambda: deliver(attempt(iterate)))
    item: T | Outcome[None] | None = None
    try:
        while not isinstance(item := await arrived.get(), Outcome):
            room.put(None)
            yield item
    finally:
        if not isinstance(item, Outcome):
            run.cancel()
        run.end()
    item.unwrap()


def iterated_in_loop(make: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
    """Yield what `make()` yields in a loop of its own, as it comes; works where a loop already runs, too."""
    arrived: queue.SimpleQueue[T | Outcome[None]] = queue.SimpleQueue()
    stop: list[Callable[[], object]] = []
    most, received = _ahead(), 0
    #: What wakes the loop, where it waits for its reader.
    waiting: list[Callable[[], object]] = []

    async def iterate() -> None:
        import asyncio

        loop, task = running_loop(), running_task()
        if task is not None:
            stop.append(partial(loop.call_soon_threadsafe, task.cancel))
        sent = 0
        async for item in make():
            arrived.put(item)
            sent += 1
            while sent - received >= most:
                freed = asyncio.Event()
                waiting.append(partial(loop.call_soon_threadsafe, freed.set))
                # Asked again, since the reader may have come in between.
                if sent - received >= most:
                    await freed.wait()

    run = current_run()
    _start(lambda: arrived.put(attempt(lambda: run_coroutine(iterate))))
    item: T | Outcome[None] | None = None
    try:
        while not isinstance(item := take(arrived), Outcome):
            received += 1
            while waiting:
                waiting.pop()()
            yield item
    finally:
        # Where the run is cancelled, that has told the loop: a second time would cut off what cleans up.
        if not (isinstance(item, Outcome) or (run is not None and run.cancelled)):
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                for cancel in stop:
                    cancel()
    item.unwrap()


def _ahead() -> int:
    """Return how far one half may be ahead: one item, where a look-ahead is set (clause `session.backpressure`)."""
    return 1 if current_scope().lookahead else _MOST_AHEAD


def _start(work: Callable[[], None]) -> None:
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="harness-llm", daemon=True).start()
