"""The event loop that runs here: asyncio's, which is all that the runtime is written for."""

from __future__ import annotations

import asyncio
import inspect
import sys
from asyncio import _get_running_loop
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, cast

from harness.errors import UsageError


def is_loop_running() -> bool:
    """Return whether one of asyncio's loops runs in this thread."""
    return _get_running_loop() is not None


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that runs here.

    Raises:
        UsageError: what runs here is trio, which can't run what is written for asyncio.
        RuntimeError: no loop runs here.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        if _is_trio_running():
            raise UsageError(
                "async sessions and calls run on asyncio, and this is trio: read a sync session in a thread, as in "
                "trio.to_thread.run_sync(list, flow.stream_events()), or start with anyio.run(main, backend='asyncio')"
            ) from None
        raise


def canceller(task: asyncio.Task[Any]) -> Callable[[], None]:
    """Return what cancels a task once it has begun, from any thread; see `harness.bus.scope.Run.on_cancel`."""
    loop = task.get_loop()

    def cancel() -> None:
        at_once = _get_running_loop() is loop and _has_begun(task)
        if at_once:
            # Were it to come later, the task may be cleaning up by then, and would be cut off in that.
            task.cancel()
        # A closed loop has cancelled its tasks.
        with suppress(RuntimeError):
            # A signal handler may close while the loop sleeps, which has to wake up in any case.
            loop.call_soon_threadsafe(_nothing if at_once else task.cancel)

    return cancel


def _has_begun(task: asyncio.Task[Any]) -> bool:
    """Return whether a task can tell of its end: one that is cancelled before it begins never does."""
    # An eager task that has ended has none.
    coroutine = cast("Coroutine[Any, Any, Any] | None", task.get_coro())
    return coroutine is None or inspect.getcoroutinestate(coroutine) != inspect.CORO_CREATED


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
