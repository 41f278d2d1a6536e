"""Daemon threads and loops for the blocking code and the coroutines of a run. Nobody waits for those that hang.

A loop's own executor is joined when the loop ends and when the interpreter exits; a daemon thread is not, so user code
that blocks delays neither (clause `cleanup.close-prompt`).

A coroutine that waits for nothing needs neither: `run_until_loop` runs it in the calling thread, and makes a loop
when it first asks for `require_loop`. A flow of sync methods, one after the other, never does.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import contextvars
import inspect
import math
import queue
import threading
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, cast

from msgspec import Struct

from harness.bus.running_loop import (
    call_in,
    cancelled_errors,
    is_loop_running,
    resolve,
    running_loop,
    running_task,
)
from harness.bus.scope import current_run, on_cancel, pass_readers_here, placed_context
from harness.errors import RunCancelled
from harness.waits import take

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

# asyncio is imported late: many runs need no loop.

T = TypeVar("T")
P = ParamSpec("P")
#: A call; it returns what is to be called once its thread is free for the next one.
_Work = Callable[[], Callable[[], None]]
#: How long cancelled tasks have for cleaning up; those that take longer are left behind.
GRACE_S: Final = 0.1
#: As many threads as the executor that asyncio makes by itself has at most.
_MAX_THREADS: Final = 32


class Outcome(Struct, Generic[T]):
    """How a piece of work ended, as a value: nothing that asyncio would treat in a way of its own is raised."""

    value: T | None = None
    error: BaseException | None = None

    def unwrap(self) -> T:
        """Return the value, or raise the error as the object that it is; once."""
        if self.error is not None:
            try:
                raise self.error
            finally:
                # A frame that holds an exception which holds that frame is kept until the garbage collector runs.
                self.error = None
        return cast("T", self.value)


def attempt(function: Callable[[], T]) -> Outcome[T]:
    """Return how `function()` ended. Never raises."""
    try:
        return Outcome(value=function())
    except BaseException as error:
        return Outcome(error=error)


async def in_thread(function: Callable[[], T]) -> T:
    """Return what `function()` returns in a daemon thread of its own, in a copy of the current context.

    Cancelling the awaiting task returns at once and abandons the thread. What the function raises surfaces as the same
    object; a StopIteration, which no coroutine can raise, as a RuntimeError with that cause.
    """
    return (await outcome_in_thread(function)).unwrap()


async def outcome_in_thread(function: Callable[[], T], threads: Threads | None = None) -> Outcome[T]:
    """Do as `in_thread`, but return whatever the function raises; `threads` lend theirs, and get it back.

    With `threads`, in what `run_until_loop` has begun, there is no loop to be kept going: this thread waits, until the
    current run is cancelled. Where nobody can cancel it, the function works in this thread.
    """
    call = partial(placed_context().run, function)
    if threads is not None and not is_loop_running():
        if threads.are_spared:
            return attempt(call)
        outcomes: queue.SimpleQueue[Outcome[T]] = queue.SimpleQueue()
        threads.start(lambda: partial(outcomes.put, attempt(call)))
        return outcome_unless_cancelled(outcomes)
    loop = running_loop()
    settled: Future[Outcome[T]] = loop.create_future()

    def work() -> Callable[[], None]:
        return partial(call_in, loop, partial(resolve, settled, attempt(call)))

    if threads is not None:
        threads.start(work)
    else:
        threading.Thread(target=lambda: work()(), name="harness-worker", daemon=True).start()
    return await settled


async def until_done(future: concurrent.futures.Future[Any]) -> None:
    """Wait until a future of another thread is done; where the waiting is cancelled, the future is left as it is.

    What `run_until_loop` has begun without a loop blocks its thread, until the current run is cancelled.
    """
    if is_loop_running():
        import asyncio

        loop, done = running_loop(), asyncio.Event()
        future.add_done_callback(lambda _: call_in(loop, done.set))
        await done.wait()
        return
    outcomes: queue.SimpleQueue[Outcome[None]] = queue.SimpleQueue()
    future.add_done_callback(lambda _: outcomes.put(Outcome()))
    outcome_unless_cancelled(outcomes).unwrap()


def outcome_unless_cancelled(outcomes: queue.SimpleQueue[Outcome[T]], timeout_s: float | None = None) -> Outcome[T]:
    """Return the next outcome, which is RunCancelled where the current run is cancelled first; else as `harness.waits.take`."""
    with on_cancel(lambda: outcomes.put(Outcome(error=RunCancelled()))):
        return take(outcomes, timeout_s)


class Threads:
    """The daemon threads of one piece of work. Each takes on another call once it has done one, until `close`.

    A call waits for one before it only where there are `most` threads: where none is free, there is a new one. Calls begin
    in their order, whichever thread takes them.
    """

    def __init__(self, *, are_spared: bool = False, most: float = math.inf) -> None:
        #: Whether calls may work in the thread that makes them, where no loop runs: nobody can cancel it meanwhile.
        self.are_spared = are_spared
        self._most = most
        self._started = 0
        self._calls: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        #: As many as threads wait for a call that is not there yet.
        self._free: list[None] = []
        self._closed = False

    def start(self, work: _Work) -> None:
        """Have `work` called in one of the threads, and, once that thread is free again, what it returns."""
        try:
            self._free.pop()
        except IndexError:
            if self._started < self._most:
                self._started += 1
                threading.Thread(target=self._serve, name="harness-worker", daemon=True).start()
        self._calls.put(work)

    def close(self) -> None:
        """Have the threads end: those that are free at once, the others when they are. Returns at once."""
        self._closed = True
        # A thread that has just become free may be doing the same.
        with contextlib.suppress(IndexError):
            while True:
                self._free.pop()
                self._calls.put(None)

    def _serve(self) -> None:
        while (work := self._calls.get()) is not None:
            deliver = work()
            # First, so that who gets what was delivered finds this thread free.
            self._free.append(None)
            deliver()
            del work, deliver
            if self._closed:
                self.close()


def run_coroutine(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run the coroutine to its end in a loop of its own, and return its value or raise its very exception.

    It works in the calling thread, or in a helper thread with a copy of the context where a loop runs here already.
    When the current run is cancelled, so is the coroutine. Tasks that it leaves behind have `GRACE_S` to end and as
    long again once cancelled.

    Raises:
        RunCancelled: the run that this context works for has been cancelled.
    """
    if not is_loop_running():
        return _run_here(make)
    outcomes: queue.SimpleQueue[Outcome[T]] = queue.SimpleQueue()
    context = placed_context()
    context.run(pass_readers_here)

    def work() -> None:
        outcomes.put(attempt(lambda: context.run(_run_here, make)))

    threading.Thread(target=work, name="harness-loop", daemon=True).start()
    return take(outcomes).unwrap()


def settled(value: Any) -> Any:
    """Return a value; of an awaitable, as code of the user's may give it, what it comes to, as `run_coroutine` does.

    A coroutine that is not begun any more is closed.
    """
    if not inspect.isawaitable(value):
        return value

    async def awaited() -> Any:
        return await value

    try:
        return run_coroutine(awaited)
    except RunCancelled:
        if isinstance(value, Coroutine):
            value.close()
        raise


async def asettled(value: Any) -> Any:
    """Do as `settled`, in the loop that runs here."""
    return await value if inspect.isawaitable(value) else value


def run_until_loop(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do as `run_coroutine`, in the calling thread and without a loop until the coroutine asks for one by `require_loop`.

    Until then it blocks by `outcome_in_thread` alone. Where a loop runs here already it is `run_coroutine`.
    """
    if is_loop_running():
        return run_coroutine(make)
    run = current_run()
    if run is not None and run.cancelled:
        raise RunCancelled
    coroutine, context = make(), placed_context()
    outcome = begin(coroutine, context)
    if outcome is not None:
        return outcome.unwrap()
    try:
        return _run_here(lambda: _continued(coroutine), context)
    except RunCancelled:
        # Where it was not gone on with, it ends in the context in which it began.
        context.run(coroutine.close)
        raise


@types.coroutine
def require_loop() -> Generator[None, None, None]:
    """Return once a loop runs here: at once, but in what `run_until_loop` has begun without one."""
    if not is_loop_running():
        # Loaded here, so that an interrupt meanwhile ends the coroutine as any error does.
        import asyncio  # noqa: F401

        yield


def begin(coroutine: Coroutine[Any, Any, T], context: contextvars.Context) -> Outcome[T] | None:
    """Work in `context` on a coroutine that may ask for `require_loop`, and return how it ended; None where it has asked.

    It is then suspended, and goes on as a task.
    """
    try:
        context.run(coroutine.send, None)
    except StopIteration as end:
        return Outcome(value=end.value)
    except BaseException as error:
        return Outcome(error=error)
    return None


@types.coroutine
def _continued(coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    # `await` takes no coroutine that has begun.
    return (yield from coroutine.__await__())


def _run_here(make: Callable[[], Awaitable[T]], context: contextvars.Context | None = None) -> T:
    run = current_run()
    if run is not None and run.cancelled:
        raise RunCancelled
    import asyncio

    loop = asyncio.new_event_loop()
    loop.set_default_executor(DaemonExecutor())
    task = loop.create_task(outcome_of(make), context=context)
    detach = run.on_cancel(lambda: call_in(loop, task.cancel)) if run is not None else None
    try:
        outcome = loop.run_until_complete(task)
        _give_time(loop)
        _end_tasks(loop)
    except BaseException:
        # A Ctrl-C while the loop waited leaves the work half done: it ends in its own way first.
        _end_tasks(loop)
        if run is not None and run.cancelled:
            raise RunCancelled from None
        raise
    finally:
        if detach is not None:
            detach()
        loop.close()
    return outcome.unwrap()


async def outcome_of(make: Callable[[], Awaitable[T]]) -> Outcome[T]:
    """Return how what is awaited ended. Raises nothing but its task's own cancellation."""
    try:
        return Outcome(value=await make())
    except BaseException as error:
        if isinstance(error, cancelled_errors()):
            task = running_task()
            if task is not None and task.cancelling():
                raise
        return Outcome(error=error)


def _end_tasks(loop: AbstractEventLoop) -> None:
    import asyncio

    for task in asyncio.all_tasks(loop):
        task.cancel()
    _give_time(loop)
    closing = loop.create_task(loop.shutdown_asyncgens())
    loop.run_until_complete(asyncio.wait({closing}, timeout=GRACE_S))


def _give_time(loop: AbstractEventLoop) -> None:
    import asyncio

    tasks = asyncio.all_tasks(loop)
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE_S))


class DaemonExecutor(concurrent.futures.ThreadPoolExecutor):
    """An executor whose threads are daemons: neither its shutdown nor the interpreter's exit waits for them.

    A `ThreadPoolExecutor` in name, since loops accept nothing else as their default.
    """

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self._daemons = Threads(most=_MAX_THREADS)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> concurrent.futures.Future[T]:
        """Have `fn` called in one of the threads."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def work() -> Callable[[], None]:
            if not future.set_running_or_notify_cancel():
                return lambda: None
            outcome = attempt(lambda: fn(*args, **kwargs))
            if outcome.error is not None:
                return partial(future.set_exception, outcome.error)
            return partial(future.set_result, cast("T", outcome.value))

        self._daemons.start(work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Have the threads end once the calls before this are done. Returns at once, whatever `wait` says."""
        self._daemons.close()
