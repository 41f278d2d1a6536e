"""The event loop that runs here: asyncio's, which is all that the runtime is written for.

Nothing here imports asyncio. Before somebody has, no loop runs and no task has been cancelled. Many runs need neither, and one that
is being closed must not wait for an import.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from harness.errors import UsageError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, Task

T = TypeVar("T")

# Asked for with every method and frame.
_loaded: Final = sys.modules.get


def is_loop_running() -> bool:
    """Return whether one of asyncio's loops runs in this thread."""
    return _loop_here() is not None


def running_loop() -> AbstractEventLoop:
    """Return the loop that runs here.

    Raises:
        UsageError: what runs here is trio, which can't run what is written for asyncio.
        RuntimeError: no loop runs here.
    """
    loop = _loop_here()
    if loop is not None:
        return loop
    if _is_trio_running():
        raise UsageError(
            "async sessions and calls run on asyncio, and this is trio: read a sync session in a thread, as in "
            "trio.to_thread.run_sync(list, flow.stream_events()), or start with anyio.run(main, backend='asyncio')"
        )
    raise RuntimeError("no running event loop")


def running_task() -> Task[Any] | None:
    """Return the task that runs here; None in a callback of the loop.

    Raises:
        UsageError, RuntimeError: as `running_loop` does.
    """
    loop = running_loop()
    task: Task[Any] | None = sys.modules["asyncio.tasks"].current_task(loop)
    return task


def cancelled_errors(*others: type[BaseException]) -> tuple[type[BaseException], ...]:
    """Return what a cancelled task raises, and `others`, for an `except` or `isinstance`."""
    error = getattr(_loaded("asyncio.exceptions"), "CancelledError", None)
    return others if error is None else (error, *others)


def canceller(task: Task[Any]) -> Callable[[], None]:
    """Return what cancels a task once it has begun, from any thread; see `harness.bus.scope.Run.on_cancel`."""
    loop = task.get_loop()

    def cancel() -> None:
        at_once = _loop_here() is loop and _has_begun(task)
        if at_once:
            # Were it to come later, the task may be cleaning up by then, and would be cut off in that.
            task.cancel()
        # A signal handler may close while the loop sleeps, which has to wake up in any case.
        call_in(loop, _nothing if at_once else task.cancel)

    return cancel


def call_in(loop: AbstractEventLoop, callback: Callable[[], object]) -> None:
    """Have `callback` called in a loop, from any thread; in a closed one nobody waits for that any more."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)


def resolve(future: Future[T], value: T) -> None:
    """Give a future of the loop that runs here its value; who was cancelled waits for none."""
    if not future.done():
        future.set_result(value)


def _has_begun(task: Task[Any]) -> bool:
    """Return whether a task can tell of its end: one that is cancelled before it begins never does."""
    # An eager task that has ended has none.
    coroutine = cast("Coroutine[Any, Any, Any] | None", task.get_coro())
    return coroutine is None or inspect.getcoroutinestate(coroutine) != inspect.CORO_CREATED


def _loop_here() -> AbstractEventLoop | None:
    # Another thread may be in the middle of importing it.
    loop_of_thread = getattr(_loaded("asyncio.events"), "_get_running_loop", None)
    return None if loop_of_thread is None else loop_of_thread()


def _nothing() -> None:
    return None


def _is_trio_running() -> bool:
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        # All versions have this way to ask.
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True
